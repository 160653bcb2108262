# SPDX-License-Identifier: GPL-2.0-or-later
"""Translation in the EL1&0 regime, Non-secure, both stages in AArch64 (DDI 0487, D8).

Modules, each using those before it only:

    choices      what the architecture leaves to the implementation, and every outcome of it
    processor    the features that decide
    granules     sizes of pages, tables and blocks
    access       what is asked: kind, exception level, alignment
    faults       what is answered instead of an address, and its status code
    memory       descriptors, read and updated
    controls     the registers
    attributes   memory types of each stage and of both
    geometry     stage 2: T0SZ, start level, root table
    descriptors  kinds and fields of descriptors
    permissions  of each stage
    stage2       walk, checks and updates of stage 2
    stage1       the same of stage 1, whose walk goes through stage 2
    translate    both
    syndromes    ESR_ELx, FAR_ELx, HPFAR_EL2 and PAR_EL1
    load_store   what a data abort at stage 2 says of the instruction
    codes        outcomes as numbers of C tables
    coverage     ids of the coverage table that outcomes verify
    tables       stage-2 tables for one address

Left out: FEAT_D128, FEAT_S2POE, FEAT_S1PIE, FEAT_THE, FEAT_GCS, FEAT_RME, FEAT_LS64,
FEAT_HAFT, the nT bit of FEAT_BBM, FEAT_CMOW, memory tags beyond their effect on attributes,
and AArch32.
"""
