/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the conformance suite that fail, for each kind of outcome of a translation. */
#include <libcflat.h>
#include <stdlib.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/translation-outcome.h>
#include "misbehave.h"

/* Fields of an outcome (asm/translation-outcome.h) */
#define PAGE(number) ((u32)(number) << 22)
#define TO_EL(el, ec, iss) ((u32)(el) << 20 | (u32)(ec) << 14 | (iss))
#define DATA ESR_ELx_EC_DABT_LOW
#define FAR_IS_ADDRESS (1U << 25)
#define AT (3U << 20)
#define PERMISSION_3 (ESR_ELx_FSC_PERM | 3)
#define ALL_CHANGES \
	(TRANSLATION_S2_AF | TRANSLATION_S2_DIRTY | TRANSLATION_S1_AF | TRANSLATION_S1_DIRTY)

static const struct {
	u32 outcomes[3]; /* the first is of another set */
	u32 found;
} rows[] = {
	{ { 0, AT | PAGE(2), AT | 0x1f }, AT | 0x30f }, /* FST 0xf; 7, PTW and S */
	{ { 1, PAGE(1), 0 }, PAGE(2) | ALL_CHANGES },
	{ { 2, TO_EL(2, DATA, PERMISSION_3) | FAR_IS_ADDRESS, PAGE(7) },
	  TO_EL(1, DATA, PERMISSION_3) | PAGE(3) },
	{ { 3, 1, 2 }, 2 },
};

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "checks.%u", row);
}

static enum conform_verdict run(u32 row)
{
	return translation_check(rows[row].outcomes, (struct translation_set){ 1, 2 },
				 rows[row].found);
}

static const struct conform_area area = {
	.name = "checks",
	.nr_rows = ARRAY_SIZE(rows),
	.hash = 0x123,
	.id = id,
	.run = run,
};

void conform_checks(void)
{
	exit(conform_main(&area, 0, NULL));
}
