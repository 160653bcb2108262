/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results of a test: one line a check, a summary at the end. */
#include <libcflat.h>
#include <report-internal.h>
#include <string.h>
#include <asm/console.h>
#include <asm/guest-call.h>
#include <asm/smp.h>
#include <asm/spinlock.h>

#define PREFIX_DEPTH 16
/*
 * 77 is the status automake knows as "skipped"; the exit protocol shifts and sets bit 0: 38 * 2 +
 * 1.
 */
#define EXIT_CODE_SKIPPED (77 >> 1)

static struct spinlock lock;

static struct {
	char text[REPORT_PREFIX_BYTES]; /* "a: b: " */
	int start[PREFIX_DEPTH]; /* where each pushed prefix begins in text */
	int depth;
} prefix;

static struct {
	unsigned int checks, failures, kfailures, xfailures, skipped;
} counts;

static const struct {
	const char *name;
	bool is_check;
	unsigned int *count; /* besides counts.checks */
} kinds[REPORT_KINDS] = {
	[REPORT_PASS] = { "PASS", true, NULL },
	[REPORT_FAIL] = { "FAIL", true, &counts.failures },
	[REPORT_XPASS] = { "XPASS", true, &counts.failures },
	[REPORT_XFAIL] = { "XFAIL", true, &counts.xfailures },
	[REPORT_KFAIL] = { "KFAIL", true, &counts.kfailures },
	[REPORT_SKIP] = { "SKIP", true, &counts.skipped },
	[REPORT_PASSED] = { NULL, true, NULL },
	[REPORT_SKIPPED] = { NULL, true, &counts.skipped },
	[REPORT_INFO] = { "INFO", false, NULL },
};

bool report_prefix_add(const char *text)
{
	int length = strlen(text), start;
	bool fits;

	spin_lock(&lock);
	start = strlen(prefix.text);
	fits = prefix.depth < PREFIX_DEPTH && start + length + 2 < REPORT_PREFIX_BYTES;
	if (fits) {
		prefix.start[prefix.depth++] = start;
		strcpy(prefix.text + start, text);
		strcat(prefix.text, ": ");
	}
	spin_unlock(&lock);
	return fits;
}

bool report_prefix_remove(int n)
{
	bool exist = n >= 0 && n <= prefix.depth;

	if (!exist || !n)
		return exist;
	spin_lock(&lock);
	prefix.depth -= n;
	prefix.text[prefix.start[prefix.depth]] = '\0';
	spin_unlock(&lock);
	return true;
}

void report_prefix_pushf(const char *fmt, ...)
{
	char text[REPORT_PREFIX_BYTES];
	bool fits;
	va_list va;

	va_start(va, fmt);
	fits = vsnprintf(text, sizeof(text), fmt, va) < (int)sizeof(text);
	va_end(va);
	if (fits)
		fits = in_guest() ? guest_call(GUEST_CALL_PREFIX_PUSH, (u64)text, 0, 0)
				  : report_prefix_add(text);
	assert_msg(fits, "more than %d prefixes or %d bytes of them", PREFIX_DEPTH,
		   REPORT_PREFIX_BYTES);
}

void report_prefix_push(const char *text)
{
	report_prefix_pushf("%s", text);
}

void report_prefix_popn(int n)
{
	bool exist = in_guest() ? guest_call(GUEST_CALL_PREFIX_POP, n, 0, 0)
				: report_prefix_remove(n);

	assert_msg(exist, "%d of %d prefixes", n, prefix.depth);
}

void report_prefix_pop(void)
{
	report_prefix_popn(1);
}

/* The place is in the same printf_line(): no other CPU's output comes between it and its line. */
static void print_line(const char *status, const char *place, const char *text)
{
	if (place)
		printf_line("%s: %s%s\n    at %s\n", status, prefix.text, text, place);
	else
		printf_line("%s: %s%s\n", status, prefix.text, text);
}

void report_result(enum report_kind kind, const char *place, const char *text)
{
	spin_lock(&lock);
	counts.checks += kinds[kind].is_check;
	if (kinds[kind].count)
		(*kinds[kind].count)++;
	if (kinds[kind].name)
		print_line(kinds[kind].name, place, text);
	spin_unlock(&lock);
}

static void conclude(enum report_kind kind, const char *place, const char *fmt, va_list va)
{
	char text[REPORT_TEXT_BYTES];

	vsnprintf(text, sizeof(text), fmt, va);
	if (in_guest())
		guest_call(GUEST_CALL_REPORT, kind, (u64)place, (u64)text);
	else
		report_result(kind, place, text);
}

bool __report(const char *place, bool pass, const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	if (pass)
		conclude(REPORT_PASS, NULL, fmt, va);
	else
		conclude(REPORT_FAIL, place, fmt, va);
	va_end(va);
	return pass;
}

bool __report_xfail(const char *place, bool xfail, bool pass, const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	if (pass && xfail)
		conclude(REPORT_XPASS, place, fmt, va);
	else if (pass)
		conclude(REPORT_PASS, NULL, fmt, va);
	else if (xfail)
		conclude(REPORT_XFAIL, NULL, fmt, va);
	else
		conclude(REPORT_FAIL, place, fmt, va);
	va_end(va);
	return pass;
}

bool __report_kfail(const char *place, bool kfail, bool pass, const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	if (pass)
		conclude(REPORT_PASS, NULL, fmt, va);
	else if (kfail)
		conclude(REPORT_KFAIL, NULL, fmt, va);
	else
		conclude(REPORT_FAIL, place, fmt, va);
	va_end(va);
	return pass;
}

void report_pass(const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	conclude(REPORT_PASS, NULL, fmt, va);
	va_end(va);
}

void __report_fail(const char *place, const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	conclude(REPORT_FAIL, place, fmt, va);
	va_end(va);
}

void report_skip(const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	conclude(REPORT_SKIP, NULL, fmt, va);
	va_end(va);
}

void report_info(const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	conclude(REPORT_INFO, NULL, fmt, va);
	va_end(va);
}

void report_passed(void)
{
	if (in_guest())
		guest_call(GUEST_CALL_REPORT, REPORT_PASSED, 0, 0);
	else
		report_result(REPORT_PASSED, NULL, NULL);
}

/* Takes no lock: it must also work when a check was interrupted while it held it. */
static void print_summary(void)
{
	const struct {
		unsigned int count;
		const char *name;
	} parts[] = {
		{ counts.failures, "unexpected failures" },
		{ counts.kfailures, "known failures" },
		{ counts.xfailures, "expected failures" },
		{ counts.skipped, "skipped" },
	};
	char text[128] = "";
	int len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].count)
			len += snprintf(text + len, sizeof(text) - len, ", %u %s", parts[i].count,
					parts[i].name);
	printf_line("SUMMARY: %u tests%s\n", counts.checks, text);
}

void report_print_abort(const char *text)
{
	print_line("ABORT", NULL, text);
	print_summary();
}

void report_print_assertion(const char *text)
{
	printf_line("%s\n", text);
}

void report_abort(const char *fmt, ...)
{
	char text[REPORT_TEXT_BYTES];
	va_list va;

	va_start(va, fmt);
	vsnprintf(text, sizeof(text), fmt, va);
	va_end(va);
	if (in_guest())
		guest_call(GUEST_CALL_ABORT, (u64)text, 0, 0);
	smp_claim_end();
	report_print_abort(text);
	dump_stack();
	abort();
}

int report_summary(void)
{
	if (in_guest())
		return guest_call(GUEST_CALL_SUMMARY, 0, 0, 0);
	spin_lock(&lock);
	print_summary();
	spin_unlock(&lock);
	if (counts.failures)
		return 1;
	return counts.checks == counts.skipped ? EXIT_CODE_SKIPPED : 0;
}
