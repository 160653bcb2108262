# SPDX-License-Identifier: GPL-2.0-or-later
"""TLBs of several CPUs, and what TLB maintenance leaves in them (DDI 0487, D8.16 and D8.17).

A TLB may hold each translation that the tables gave since the last TLBI that covers it. So an
access has a set of permitted outcomes: those of a walk now, and those of each entry that a TLB may
hold. Modules, each using those before it only:

    layout        the tables and pages that programs work on
    instructions  TLBI instructions, and their operands
    steps         what a program does: change a descriptor, enter a context, TLBI, access
    entries       what a TLB may hold, and which TLBI drops it
    walks         translations of an access, from tables and entries
    machine       CPUs that run a program
    edits         changes of single descriptors

Regime EL1&0 with both stages, 39 bits each, and of EL2 the pages of one virtual address. Left out:
TLB conflicts, which break-before-make prevents, CnP, FEAT_D128, and Secure state.
"""
