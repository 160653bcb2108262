# SPDX-License-Identifier: GPL-2.0-or-later
"""Model of allocation tags (FEAT_MTE2; DDI 0487, D10).

`tags` has the controls, tag checks and the generation of tags, `instructions` the loads, stores and
tag instructions with their effects on memory, `generation` those that make tags of registers.
`cases` enumerates what rows do with them.
"""
