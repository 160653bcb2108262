/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results of a test: one line a check, a summary at the end. */
#include <libcflat.h>
#include <string.h>
#include <asm/smp.h>
#include <asm/spinlock.h>

#define PREFIX_BYTES 256
#define PREFIX_DEPTH 16
#define MESSAGE_BYTES 1024
/*
 * 77 is the status automake knows as "skipped"; the exit protocol shifts and sets bit 0: 38 * 2 +
 * 1.
 */
#define EXIT_CODE_SKIPPED (77 >> 1)

static struct spinlock lock;

static struct {
	char text[PREFIX_BYTES]; /* "a: b: " */
	int start[PREFIX_DEPTH]; /* where each pushed prefix begins in text */
	int depth;
} prefix;

static struct {
	unsigned int checks, failures, kfailures, xfailures, skipped;
} counts;

void report_prefix_pushf(const char *fmt, ...)
{
	bool fits = prefix.depth < PREFIX_DEPTH;
	va_list va;
	int room, n;

	spin_lock(&lock);
	if (fits) {
		prefix.start[prefix.depth] = strlen(prefix.text);
		room = PREFIX_BYTES - prefix.start[prefix.depth];
		va_start(va, fmt);
		n = vsnprintf(prefix.text + prefix.start[prefix.depth], room, fmt, va);
		va_end(va);
		fits = n + 2 < room;
	}
	if (fits) {
		strcat(prefix.text, ": ");
		prefix.depth++;
	}
	spin_unlock(&lock);
	assert_msg(fits, "more than %d prefixes or %d bytes of them", PREFIX_DEPTH, PREFIX_BYTES);
}

void report_prefix_push(const char *text)
{
	report_prefix_pushf("%s", text);
}

void report_prefix_popn(int n)
{
	assert_msg(n >= 0 && n <= prefix.depth, "%d of %d prefixes", n, prefix.depth);
	if (!n)
		return;
	spin_lock(&lock);
	prefix.depth -= n;
	prefix.text[prefix.start[prefix.depth]] = '\0';
	spin_unlock(&lock);
}

void report_prefix_pop(void)
{
	report_prefix_popn(1);
}

/* The place is in the same printf(): no other CPU's output comes between it and its line. */
static void print_line(const char *status, const char *place, const char *fmt, va_list va)
{
	char text[MESSAGE_BYTES];

	vsnprintf(text, sizeof(text), fmt, va);
	if (place)
		printf("%s: %s%s\n    at %s\n", status, prefix.text, text, place);
	else
		printf("%s: %s%s\n", status, prefix.text, text);
}

/* @place: of the caller when the result is unexpected, else NULL. */
static void print_check(const char *status, unsigned int *count, const char *place, const char *fmt,
			va_list va)
{
	spin_lock(&lock);
	counts.checks++;
	if (count)
		(*count)++;
	print_line(status, place, fmt, va);
	spin_unlock(&lock);
}

bool __report(const char *place, bool pass, const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	if (pass)
		print_check("PASS", NULL, NULL, fmt, va);
	else
		print_check("FAIL", &counts.failures, place, fmt, va);
	va_end(va);
	return pass;
}

bool __report_xfail(const char *place, bool xfail, bool pass, const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	if (pass && xfail)
		print_check("XPASS", &counts.failures, place, fmt, va);
	else if (pass)
		print_check("PASS", NULL, NULL, fmt, va);
	else if (xfail)
		print_check("XFAIL", &counts.xfailures, NULL, fmt, va);
	else
		print_check("FAIL", &counts.failures, place, fmt, va);
	va_end(va);
	return pass;
}

bool __report_kfail(const char *place, bool kfail, bool pass, const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	if (pass)
		print_check("PASS", NULL, NULL, fmt, va);
	else if (kfail)
		print_check("KFAIL", &counts.kfailures, NULL, fmt, va);
	else
		print_check("FAIL", &counts.failures, place, fmt, va);
	va_end(va);
	return pass;
}

void report_pass(const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	print_check("PASS", NULL, NULL, fmt, va);
	va_end(va);
}

void __report_fail(const char *place, const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	print_check("FAIL", &counts.failures, place, fmt, va);
	va_end(va);
}

void report_skip(const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	print_check("SKIP", &counts.skipped, NULL, fmt, va);
	va_end(va);
}

void report_info(const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	spin_lock(&lock);
	print_line("INFO", NULL, fmt, va);
	spin_unlock(&lock);
	va_end(va);
}

void report_passed(void)
{
	spin_lock(&lock);
	counts.checks++;
	spin_unlock(&lock);
}

/* Takes no lock: it must also work when a check was interrupted while it held it. */
static void print_summary(void)
{
	printf("SUMMARY: %u tests", counts.checks);
	if (counts.failures)
		printf(", %u unexpected failures", counts.failures);
	if (counts.kfailures)
		printf(", %u known failures", counts.kfailures);
	if (counts.xfailures)
		printf(", %u expected failures", counts.xfailures);
	if (counts.skipped)
		printf(", %u skipped", counts.skipped);
	printf("\n");
}

void report_abort(const char *fmt, ...)
{
	va_list va;

	smp_claim_end();
	va_start(va, fmt);
	print_line("ABORT", NULL, fmt, va);
	va_end(va);
	print_summary();
	dump_stack();
	abort();
}

int report_summary(void)
{
	spin_lock(&lock);
	print_summary();
	spin_unlock(&lock);
	if (counts.failures)
		return 1;
	return counts.checks == counts.skipped ? EXIT_CODE_SKIPPED : 0;
}
