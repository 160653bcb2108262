# SPDX-License-Identifier: GPL-2.0-or-later
"""Random testing of translation: cases drawn from a seed, judged by the model.

A case is a set of fields: an access or an AT instruction, registers, and changes of the descriptors
that it meets at both stages. Everything else follows from the fields, so that a case is one line of
text. The runner has `python -m kut_model.fuzz` (`__main__`) draw cases and write them as data for
the image `arm/conform-random.c`.
"""
