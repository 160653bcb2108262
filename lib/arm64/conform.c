/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the conformance suite: selection, verdicts, and reports in blocks. */
#include <libcflat.h>
#include <report-internal.h>
#include <stdlib.h>
#include <string.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/sysreg.h>
#include <asm/thread_info.h>

/* A block ends after this many rows, after this part of a second, or when its text is full. */
#define BLOCK_ROWS 1000
#define BLOCKS_PER_SECOND 10
#define BLOCK_TEXT 2048
#define VERDICT_TEXT 16 /* " 1000S256" */
#define MAX_EXCLUSIONS 4
#define MAX_REASONS 256

/* A verdict as it is reported: CONFORM_SKIP has the number of its reason. */
struct verdict {
	enum conform_verdict kind;
	unsigned int reason;
};

static struct {
	const char *feature, *field;
} reasons[MAX_REASONS];

static struct {
	const struct conform_area *area;
	u32 row; /* the one that runs */
	unsigned int nr_reasons;
	unsigned int reason; /* number of the last conform_skip() */
	bool failed; /* conform_fail() was called for this row */
	bool skipped; /* conform_skip() likewise */
} state;

/* Rows that ran and are not reported yet: a text of runs, and the run at its end. */
static struct {
	u32 first, rows;
	u64 began; /* CNTPCT_EL0 before its first row */
	char text[BLOCK_TEXT];
	int length;
	struct verdict verdict;
	u32 run; /* rows with this verdict, not in the text yet */
} block;

/* Rows that the argument `skip=NAME:A-B,C` leaves out. */
struct exclusion {
	const char *name, *rows;
};

struct selection {
	u32 start;
	const char *rows; /* NULL: all */
	struct exclusion excluded[MAX_EXCLUSIONS];
	unsigned int nr_excluded;
	u32 trace; /* rows to trace, before others */
	bool list;
};

bool conform_has(const struct conform_feature *feature)
{
	u64 value = feature->read() >> feature->low & 0xf;

	return value >= feature->least && value <= feature->most;
}

const char *conform_unsupported(bool vhe)
{
	if (!host_at_el2)
		return "the host is not at EL2 (no virtualization=on?)";
	if (vhe && !host_vhe)
		return "the CPU has no FEAT_VHE (ID_AA64MMFR1_EL1.VH)";
	if (!vhe && ID_FIELD(read_sysreg_s(ID_AA64MMFR4_EL1), ID_AA64MMFR4_E2H0))
		return "HCR_EL2.E2H is fixed (ID_AA64MMFR4_EL1.E2H0)";
	assert_msg(host_vhe == vhe, "HCR_EL2.E2H of the host: expected %d, found %d", vhe,
		   host_vhe);
	return NULL;
}

/*
 * Verdicts
 */

enum conform_verdict conform_fail(const char *fmt, ...)
{
	char text[REPORT_TEXT_BYTES], id[CONFORM_ID_BYTES];
	int length;
	va_list va;

	state.area->id(state.row, id, sizeof(id));
	length = snprintf(text, sizeof(text), "%s: %s: ", state.area->name, id);
	va_start(va, fmt);
	vsnprintf(text + length, sizeof(text) - length, fmt, va);
	va_end(va);
	report_result(REPORT_FAIL, NULL, text);
	state.failed = true;
	return CONFORM_FAIL;
}

enum conform_verdict conform_fail_exception(const struct conform_exception *expected,
					    const struct conform_exception *found)
{
	const struct conform_exception *both[] = { expected, found };
	char texts[2][160];

	for (int i = 0; i < 2; i++) {
		const struct conform_exception *e = both[i];
		char decoded[96] = "none";

		if (e->el)
			esr_decode(e->esr, decoded, sizeof(decoded));
		snprintf(texts[i], sizeof(texts[i]), "EL%u, ESR %#lx (%s), FAR %#lx", e->el,
			 e->el ? e->esr : 0, decoded, e->el ? e->far : 0);
	}
	return conform_fail("expected %s, found %s", texts[0], texts[1]);
}

/* The number of a reason, from 1; a new one is printed. */
static unsigned int reason_number(const char *feature, const char *field)
{
	unsigned int n;

	for (n = 0; n < state.nr_reasons; n++)
		if (!strcmp(reasons[n].feature, feature) && !strcmp(reasons[n].field, field))
			return n + 1;
	assert_msg(n < MAX_REASONS, "more than %d reasons to skip rows", MAX_REASONS);
	reasons[n].feature = feature;
	reasons[n].field = field;
	state.nr_reasons++;
	printf_line("REASON: %s %u %s %s\n", state.area->name, n + 1, feature, field);
	return n + 1;
}

enum conform_verdict conform_skip(const char *feature, const char *field)
{
	state.reason = reason_number(feature, field);
	state.skipped = true;
	return CONFORM_SKIP;
}

bool conform_lacks(const struct conform_feature *const *needs)
{
	while (*needs && conform_has(*needs))
		needs++;
	if (*needs)
		conform_skip((*needs)->name, (*needs)->field);
	return *needs;
}

/*
 * Blocks
 */

/* Move the run at the end of the block into its text. */
static void end_run(void)
{
	static const char letters[] = { 'P', 'F', 'S' };
	char count[VERDICT_TEXT] = "", reason[VERDICT_TEXT] = "";

	if (!block.run)
		return;
	if (block.run > 1)
		snprintf(count, sizeof(count), "%u", block.run);
	if (block.verdict.kind == CONFORM_SKIP)
		snprintf(reason, sizeof(reason), "%u", block.verdict.reason);
	block.length += snprintf(block.text + block.length, BLOCK_TEXT - block.length, " %s%c%s",
				 count, letters[block.verdict.kind], reason);
	block.run = 0;
}

static void end_block(void)
{
	end_run();
	if (block.rows)
		printf_line("ROWS: %s %u%s\n", state.area->name, block.first, block.text);
	block.rows = 0;
	block.length = 0;
	block.text[0] = '\0';
}

static bool block_is_full(void)
{
	return block.rows >= BLOCK_ROWS || block.length > BLOCK_TEXT - 2 * VERDICT_TEXT ||
	       (read_sysreg(cntpct_el0) - block.began) * BLOCKS_PER_SECOND >
		       read_sysreg(cntfrq_el0);
}

static void add_to_block(struct verdict verdict)
{
	if (block.rows && state.row != block.first + block.rows)
		end_block();
	if (!block.rows)
		block.first = state.row;
	if (block.run &&
	    (verdict.kind != block.verdict.kind || verdict.reason != block.verdict.reason))
		end_run();
	block.verdict = verdict;
	block.run++;
	block.rows++;
}

/*
 * Rows
 */

static void run_row(u32 row, const struct exclusion *exclusion)
{
	struct verdict verdict = { 0 };

	state.row = row;
	state.failed = false;
	state.skipped = false;
	if (!block.rows)
		block.began = read_sysreg(cntpct_el0);
	verdict.kind = exclusion ? conform_skip(exclusion->name, "erratum") : state.area->run(row);
	assert_msg((verdict.kind == CONFORM_FAIL) == state.failed &&
			   (verdict.kind == CONFORM_SKIP) == state.skipped,
		   "row %u of %s: the verdict is that of conform_fail() or conform_skip()", row,
		   state.area->name);
	if (verdict.kind == CONFORM_SKIP)
		verdict.reason = state.reason;
	if (verdict.kind != CONFORM_FAIL)
		report_result(verdict.kind == CONFORM_PASS ? REPORT_PASSED : REPORT_SKIPPED, NULL,
			      NULL);
	add_to_block(verdict);
}

/* The next number of @text, which becomes what is behind it; aborts without one. */
static u32 parse_number(const char **text, const char *argument)
{
	char *end;
	unsigned long number = strtoul(*text, &end, 10);

	if (end == *text || **text == '-' || number > UINT32_MAX)
		report_abort("%s: expected numbers of rows", argument);
	*text = end;
	return number;
}

/* Whether @ranges, as in "3-5,7", has the row. Aborts when it is no list of ranges. */
static bool in_ranges(const char *ranges, u32 row)
{
	const char *at = ranges;
	bool found = false;
	u32 first, last;

	do {
		first = last = parse_number(&at, ranges);
		if (*at == '-') {
			at++;
			last = parse_number(&at, ranges);
		}
		found = found || (row >= first && row <= last);
	} while (*at++ == ',');
	if (at[-1])
		report_abort("%s: expected ranges of rows, as in 3-5,7", ranges);
	return found;
}

static bool is_selected(const struct selection *selection, u32 row)
{
	return row >= selection->start && (!selection->rows || in_ranges(selection->rows, row));
}

/* The exclusion that has the row, NULL without one. */
static const struct exclusion *exclusion_of(const struct selection *selection, u32 row)
{
	for (unsigned int i = 0; i < selection->nr_excluded; i++)
		if (in_ranges(selection->excluded[i].rows, row))
			return &selection->excluded[i];
	return NULL;
}

static void parse_exclusion(struct selection *selection, char *value, const char *argument)
{
	char *rows = strchrnul(value, ':');

	if (!*rows || rows == value)
		report_abort("%s: expected skip=NAME:A-B,C", argument);
	if (selection->nr_excluded == MAX_EXCLUSIONS)
		report_abort("%s: more than %d times skip=", argument, MAX_EXCLUSIONS);
	*rows = '\0';
	selection->excluded[selection->nr_excluded++] = (struct exclusion){ value, rows + 1 };
}

static struct selection parse_arguments(int argc, char **argv)
{
	struct selection selection = { 0 };

	for (int i = 1; i < argc; i++) {
		const char *value = strchrnul(argv[i], '=');

		value += *value == '=';
		if (!strncmp(argv[i], "start=", 6))
			selection.start = parse_number(&value, argv[i]);
		else if (!strncmp(argv[i], "rows=", 5))
			selection.rows = value;
		else if (!strncmp(argv[i], "skip=", 5))
			parse_exclusion(&selection, argv[i] + 5, argv[i]);
		else if (!strncmp(argv[i], "trace=", 6))
			selection.trace = parse_number(&value, argv[i]);
		else if (!strcmp(argv[i], "list"))
			selection.list = true;
		else
			report_abort(
				"%s: the arguments are start=N rows=A-B,C skip=NAME:A-B,C trace=N list",
				argv[i]);
	}
	return selection;
}

static void list_row(u32 row)
{
	char id[CONFORM_ID_BYTES];

	state.area->id(row, id, sizeof(id));
	printf_line("%s\n", id);
}

static void trace_row(u32 row, const struct exclusion *exclusion)
{
	printf_line("ROW: %s %u\n", state.area->name, row);
	run_row(row, exclusion);
	end_block();
}

int conform_main(const struct conform_area *area, int argc, char **argv)
{
	struct selection selection = parse_arguments(argc, argv);

	state.area = area;
	if (!selection.list)
		printf_line("AREA: %s %u %016lx\n", area->name, area->nr_rows, area->hash);
	for (u32 row = 0; row < area->nr_rows; row++) {
		const struct exclusion *exclusion = exclusion_of(&selection, row);

		if (!is_selected(&selection, row))
			continue;
		if (selection.list) {
			list_row(row);
		} else if (selection.trace) {
			trace_row(row, exclusion);
			selection.trace--;
		} else {
			run_row(row, exclusion);
		}
		if (block_is_full())
			end_block();
	}
	end_block();
	return report_summary();
}
