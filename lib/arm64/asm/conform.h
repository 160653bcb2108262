/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images of the conformance suite: the rows of one area, each a check with an expected value from
 * tables that kut_model generates (<conform/AREA.h>).
 *
 * A row that passes prints nothing by itself. The output of an image, beside that of other tests:
 *
 *   AREA: NAME ROWS HASH            first: how many rows there are, and the hash of their table
 *   REASON: NAME N FEATURE FIELD    before the first row that is skipped for this reason
 *   FAIL: NAME: ID: expected ..., found ...
 *   ROWS: NAME FIRST VERDICTS       the verdicts of consecutive rows from number FIRST on
 *   ROW: NAME N                     with `trace=N`: row N runs next
 *
 * VERDICTS are runs, as in "120P F 12S1": a count, which 1 is left out, and P for passed, F for
 * failed or S and the number of a reason for skipped. SUMMARY counts every row.
 *
 * Arguments: `start=N` leaves out the rows before number N, `rows=A-B,C` all others, `list` prints
 * the ids of the rows instead, `trace=N` also reports each of the first N rows by itself.
 * `skip=NAME:A-B,C`, up to four times, skips rows for the erratum NAME.
 */
#ifndef ASMARM64_CONFORM_H
#define ASMARM64_CONFORM_H

#include <libcflat.h>
#include <asm/sysreg.h>

/* Room for an id and its end; ids of the model are shorter. */
#define CONFORM_ID_BYTES 128

enum conform_verdict { CONFORM_PASS, CONFORM_FAIL, CONFORM_SKIP };

struct conform_area {
	const char *name;
	u32 nr_rows;
	u64 hash; /* CONFORM_HASH of the generated header: kut refuses another list of rows */
	/* Write the id of a row, equal to the model's, to @buffer of @size bytes. */
	void (*id)(u32 row, char *buffer, size_t size);
	/* Run a row, and leave the machine as it was. */
	enum conform_verdict (*run)(u32 row);
};

/* Run the rows that the arguments select. Returns report_summary(), for main(). */
int conform_main(const struct conform_area *area, int argc, char **argv);

/* The row that runs has failed. @fmt: "expected ..., found ..." */
enum conform_verdict conform_fail(const char *fmt, ...) __printf(1, 2);

struct conform_exception {
	unsigned int el; /* that takes it; 0: no exception, and the others do not count */
	u64 esr, far;
};

/* The row that runs has failed: @found is another exception than @expected. */
enum conform_verdict conform_fail_exception(const struct conform_exception *expected,
					    const struct conform_exception *found);

/*
 * The row that runs is skipped, for lack of @feature, as in "FEAT_FGT", by @field, as in
 * "ID_AA64MMFR0_EL1.FGT". Without spaces.
 */
enum conform_verdict conform_skip(const char *feature, const char *field);

/*
 * A feature of generated headers: present when the field of 4 bits at @low of the ID register has a
 * value from @least to @most.
 */
struct conform_feature {
	const char *name, *field;
	u64 (*read)(void);
	u8 low, least, most;
};

bool conform_has(const struct conform_feature *feature);
/*
 * Whether this CPU lacks one of @needs, which NULL ends: the row that runs is then skipped, as by
 * conform_skip().
 */
bool conform_lacks(const struct conform_feature *const *needs);

/* The reason to skip an area for hosts whose HCR_EL2.E2H is @vhe, NULL for none. */
const char *conform_unsupported(bool vhe);

/* For generated headers: the function that reads an ID register. */
#define CONFORM_ID_REGISTER(name, op0, op1, crn, crm, op2)            \
	static u64 conform_##name(void)                               \
	{                                                             \
		return read_sysreg(sys_reg(op0, op1, crn, crm, op2)); \
	}

#endif
