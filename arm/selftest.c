/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The library's own test: results of the boot, and its parts.
 *
 * Arguments: key=value pairs that the machine must match (smp=N, mem=MiB, el=1|2); or `all-pages`,
 * which allocates all of memory; or `reserved START SIZE`, which looks for a page of that range
 * among all pages; or `exit CODE`, which ends with that code; or `arguments ...`, which prints what
 * main() was given; or `typed`, which prints a line that is typed.
 */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <devicetree.h>
#include <stdlib.h>
#include <string.h>
#include <subtest.h>
#include <util.h>
#include <vmalloc.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/psci.h>
#include <asm/setup.h>
#include "selftest.h"

/*
 * Results of the boot, from the device tree
 */

static u64 memory_size(void)
{
	u64 size = 0;

	for (int i = 0; i < nr_ram_regions; i++)
		size += ram_regions[i].end - ram_regions[i].start;
	return size;
}

static void check_expectation(char *arg)
{
	long expected, found;
	int len = parse_keyval(arg, &expected);

	if (len == 3 && !strncmp(arg, "smp", len))
		found = nr_cpus;
	else if (len == 3 && !strncmp(arg, "mem", len))
		found = memory_size() / SZ_1M;
	else if (len == 2 && !strncmp(arg, "el", len))
		found = current_level() >> 2;
	else
		report_abort("unknown argument %s", arg);
	report(found == expected, "%.*s: expected %ld, found %ld", len, arg, expected, found);
}

/* The boot writes all of SCTLR_ELx. A build that signs return addresses has EnIA as well. */
static void check_sctlr(void)
{
	u64 expected = (host_at_el2 && !host_vhe ? SCTLR_EL2_RES1 : SCTLR_EL1_HOST) | SCTLR_ELx_M |
		       SCTLR_ELx_C | SCTLR_ELx_I;
	u64 sctlr = host_at_el2 ? read_sysreg(sctlr_el2) : read_sysreg(sctlr_el1);

	report(((sctlr ^ expected) & ~(SCTLR_ELx_EnIA | SCTLR_EL1_BY_FEATURE)) == 0,
	       "SCTLR_EL%lu, all but the bits %#lx: expected %#lx, found %#lx",
	       current_level() >> 2, SCTLR_ELx_EnIA | SCTLR_EL1_BY_FEATURE, expected, sctlr);
}

static void test_setup(int argc, char **argv)
{
	u64 boot_cpu = get_mpidr() & 0xff00ffffffUL;
	enum psci_conduit conduit;
	int version;

	for (int i = 1; i < argc; i++)
		check_expectation(argv[i]);
	report(nr_ram_regions > 0 && (u64)_start >= PHYS_OFFSET && (u64)_end <= PHYS_END,
	       "image: expected in memory, %#lx..%#lx, found %p..%p", PHYS_OFFSET, PHYS_END, _start,
	       _end);
	report(nr_cpus > 0 && cpus[0] == boot_cpu && smp_processor_id() == 0,
	       "first of %d CPUs: expected MPIDR %#lx, the boot CPU's, number 0, found %#lx, %d",
	       nr_cpus, boot_cpu, cpus[0], smp_processor_id());
	report(mmu_enabled(), "mmu_enabled() in main(): expected 1, found %d", mmu_enabled());
	check_sctlr();
	/* SMC where the image runs at EL2, HVC where it does not. */
	conduit = host_at_el2 ? PSCI_CONDUIT_SMC : PSCI_CONDUIT_HVC;
	report(psci_get_conduit() == conduit, "psci_get_conduit(): expected %d, found %d", conduit,
	       psci_get_conduit());
	version = psci_invoke(PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0);
	report(version >= 2, "PSCI_VERSION: expected 0x2 or more, found %#x", version);
}

/*
 * Vectors
 */

static unsigned int exceptions;
static unsigned int last_esr;
static struct pt_regs last_regs;

static void skip_instruction(struct pt_regs *regs, unsigned int esr)
{
	exceptions++;
	last_esr = esr;
	last_regs = *regs;
	regs->pc += 4;
}

/* selftest.S: x0..x30 hold BRK_REGISTER + n at a BRK; returns how many are wrong after it */
u64 registers_around_brk(void);

static void check_saved_registers(void)
{
	u64 mode = host_at_el2 ? PSR_MODE_EL2h : PSR_MODE_EL1h;
	unsigned int wrong = 0;

	for (u64 n = 0; n < 31; n++)
		wrong += last_regs.regs[n] != BRK_REGISTER + n;
	report(wrong == 0, "x0..x30 in the handler of a BRK: expected 0 wrong, found %u", wrong);
	report((last_regs.pstate & PSR_MODE_MASK) == mode,
	       "PSTATE.M in the handler of a BRK: expected %#lx, found %#lx", mode,
	       last_regs.pstate & PSR_MODE_MASK);
}

/* @mask: the fields of ESR that are compared. */
static void check_exception(const char *what, unsigned int count, u64 mask, const char *expected)
{
	char found[128];

	esr_decode_masked(last_esr, mask, found, sizeof(found));
	report(exceptions == count && !strcmp(found, expected),
	       "exceptions until %s: expected %u, the last \"%s\"; found %u, \"%s\" (ESR %#x)",
	       what, count, expected, exceptions, found, last_esr);
}

static void test_vectors(void)
{
	u64 wrong;
	unsigned long far = 0;

	exceptions = 0;
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, skip_instruction);
	wrong = registers_around_brk();
	check_exception("a BRK", 1, UINT64_MAX, "BRK: #" xstr(BRK_NUMBER));
	report(wrong == 0, "x0..x30 after a BRK: expected 0 wrong, found %lu", wrong);
	check_saved_registers();
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, NULL);

	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, skip_instruction);
	asm volatile("str xzr, [%0]" : : "r"(0x7000000000UL) : "memory");
	check_exception("a store to an unmapped address", 2, ~(u64)ESR_ELx_FSC_LEVEL,
			"data abort: translation fault, write");
	get_far(last_esr, &far);
	report(far == 0x7000000000UL, "FAR of a data abort: expected 0x7000000000, found %#lx",
	       far);
	asm volatile("str xzr, [%0]" : : "r"(_stext) : "memory");
	check_exception("a store to code", 3, UINT64_MAX,
			"data abort: permission fault, level 3, write");
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, NULL);

	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_UNKNOWN, skip_instruction);
	asm volatile("udf #0");
	check_exception("a UDF", 4, UINT64_MAX, "unknown reason (undefined instruction): ISS 0");
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_UNKNOWN, NULL);
}

/*
 * Permissions of the image's parts
 */

#define PSR_BTYPE (UL(3) << 10)

static const u32 a_return = 0xd65f03c0; /* ret */
static u32 a_return_in_data = 0xd65f03c0;

static void return_to_caller(struct pt_regs *regs, unsigned int esr)
{
	exceptions++;
	last_esr = esr;
	regs->pc = regs->regs[30];
	regs->pstate &= ~PSR_BTYPE; /* set by the call */
}

static void check_not_executed(const char *what, const u32 *code)
{
	char syndrome[128];

	exceptions = 0;
	/* Not in C, where compilers assume that only functions are called */
	asm volatile("blr %0" : : "r"(code) : "x30", "memory");
	report(exceptions == 1 && (last_esr & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM,
	       "branch to %s: expected 1 permission fault, found %u exceptions, %s", what,
	       exceptions, esr_decode(last_esr, syndrome, sizeof(syndrome)));
}

static void check_not_written(const char *what, const void *address)
{
	char syndrome[128];

	exceptions = 0;
	asm volatile("str xzr, [%0]" : : "r"(address) : "memory");
	report(exceptions == 1 && (last_esr & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM,
	       "store to %s: expected 1 permission fault, found %u exceptions, %s", what,
	       exceptions, esr_decode(last_esr, syndrome, sizeof(syndrome)));
}

static void test_permissions(void)
{
	u32 *page = alloc_page();

	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, skip_instruction);
	check_not_written("constants", (void *)ALIGN_DOWN((u64)&a_return, 8));
	check_not_written("the last bytes before data", (void *)((u64)_sdata - 8));
	check_not_written("instructions", _stext);
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, NULL);

	*page = a_return;
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_IABT_CUR, return_to_caller);
	check_not_executed("constants", &a_return);
	check_not_executed("data", &a_return_in_data);
	/* Where user mode may write them: without it the host may execute them (asm/mmu.h) */
	if (!host_at_el2 || host_vhe)
		check_not_executed("pages", page);
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_IABT_CUR, NULL);
	free_page(page);
}

/*
 * printf and strings
 */

static void check_format(const char *expected, const char *fmt, ...) __printf(2, 3);
static void check_format(const char *expected, const char *fmt, ...)
{
	char buf[128];
	va_list va;
	int len;

	va_start(va, fmt);
	len = vsnprintf(buf, sizeof(buf), fmt, va);
	va_end(va);
	report(!strcmp(buf, expected) && len == (int)strlen(expected),
	       "\"%s\": expected \"%s\", found \"%s\"", fmt, expected, buf);
}

static void test_printf(void)
{
	char small[8];
	int len;

	check_format("0 -1 2147483647", "%d %d %d", 0, -1, 2147483647);
	check_format("-9223372036854775808", "%ld", INT64_MIN);
	check_format("18446744073709551615", "%lu", UINT64_MAX);
	check_format("deadbeef 0xdeadbeef 0 DEAD", "%x %#x %#x %X", 0xdeadbeef, 0xdeadbeef, 0,
		     0xdead);
	check_format("   42|42   |00042|-0042", "%5d|%-5d|%05d|%05d", 42, 42, 42, -42);
	check_format("0x0040|00ff|  ff", "%#06x|%.4x|%4x", 0x40, 0xff, 0xff);
	check_format("abc|  abc|abc  |ab", "%s|%5s|%-5s|%.2s", "abc", "abc", "abc", "abc");
	check_format("x%y", "%c%%%c", 'x', 'y');
	check_format("0x1000", "%p", (void *)0x1000);
	check_format("+1  1|  7", "%+d % d|%*d", 1, 1, 3, 7);
	len = snprintf(small, sizeof(small), "%cb|%3c|", 0, 0);
	report(len == 7 && !memcmp(small, "\0b|  \0|", 8),
	       "length of two %%c of 0 and text: expected 7, found %d", len);
	len = snprintf(small, sizeof(small), "%s", "0123456789");
	report(len == 10 && !strcmp(small, "0123456"),
	       "snprintf() of 10 bytes into 8: expected 10, \"0123456\", found %d, \"%s\"", len,
	       small);
}

static void test_strings(void)
{
	char buf[64] = "head";
	char *end;

	strcat(buf, "tail");
	report(!strcmp(buf, "headtail"), "strcat(): expected headtail, found %s", buf);
	report_equal(strlen(buf), 8, "strlen() of headtail");
	report(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && !strncmp("abc", "abd", 2) &&
		       !strcasecmp("MiXed", "mIxED"),
	       "strcmp() twice, strncmp(), strcasecmp(): expected -, +, 0, 0, found %d, %d, %d, %d",
	       strcmp("a", "b"), strcmp("b", "a"), strncmp("abc", "abd", 2),
	       strcasecmp("MiXed", "mIxED"));
	report_equal((u64)strchr(buf, 't'), (u64)(buf + 4), "strchr()");
	report_equal((u64)strrchr(buf, 'a'), (u64)(buf + 5), "strrchr()");
	report_equal((u64)strchr(buf, 'z'), 0, "strchr() of what does not occur");
	report_equal((u64)strstr(buf, "dt"), (u64)(buf + 3), "strstr()");
	report_equal((u64)strstr(buf, "xyz"), 0, "strstr() of what does not occur");
	memmove(buf + 2, buf, 8);
	report(!memcmp(buf + 2, "headtail", 8),
	       "overlapping memmove(): expected headtail, found %s", buf + 2);
	report_equal_int(strtol("-0x1fz", &end, 0), -31, "strtol() of -0x1fz");
	report_equal(*end, 'z', "character behind the number -0x1f");
	report_equal(strtoul("777", NULL, 8), 0777, "strtoul() of octal 777");
}

/*
 * Allocators
 */

/* 8 MiB, as a machine with 32 MiB has; smaller ones have a quarter of their memory in a block. */
static unsigned int largest_order(void)
{
	unsigned int bits = 63 - __builtin_clzl(memory_size() / 4);

	return MIN(bits, 23U) - PAGE_SHIFT;
}

static bool all_zero(const u64 *mem, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*mem); i++)
		if (mem[i])
			return false;
	return true;
}

static void test_pages(void)
{
	unsigned long before = alloc_pages_in_use();
	unsigned int largest = largest_order();
	unsigned int misaligned = 0, dirty = 0;
	bool zero;
	void *pages[24 - PAGE_SHIFT];

	for (unsigned int order = 0; order <= largest; order++) {
		pages[order] = alloc_pages(order);
		misaligned += !pages[order] || !IS_ALIGNED((u64)pages[order], PAGE_SIZE << order);
		dirty += !pages[order] || !all_zero(pages[order], PAGE_SIZE << order);
		if (pages[order])
			memset(pages[order], 0xa5, PAGE_SIZE << order);
	}
	report(!misaligned, "blocks of 1 page to %lu KiB that are misaligned: expected 0, found %u",
	       PAGE_SIZE / 1024 << largest, misaligned);
	report(!dirty, "blocks of 1 page to %lu KiB that are not zero: expected 0, found %u",
	       PAGE_SIZE / 1024 << largest, dirty);
	for (unsigned int order = 0; order <= largest; order++)
		free_pages(pages[order]);
	report_equal(alloc_pages_in_use(), before, "pages in use after blocks were freed");
	pages[0] = alloc_pages(3);
	zero = pages[0] && all_zero(pages[0], PAGE_SIZE << 3);
	report_equal(zero, true, "block of 8 pages used before is zero");
	free_pages(pages[0]);
	report_equal((u64)alloc_pages(32 - PAGE_SHIFT), 0, "alloc_pages() of 4 GiB");
}

static u64 checksum(const void *memory, size_t size)
{
	const u8 *bytes = memory;
	u64 sum = 0;

	while (size--)
		sum = sum * 31 + *bytes++;
	return sum;
}

/* No page of the allocator lies in a range that the device tree reserves. */
static void test_reserved(u64 start, u64 size)
{
	unsigned long count = 0, inside = 0;
	u64 pa;
	void *page;

	while ((page = alloc_pages_flags(0, FLAG_DONTZERO))) {
		pa = virt_to_phys(page);
		inside += pa + PAGE_SIZE > start && pa < start + size;
		count++;
	}
	report(count && !inside,
	       "of all %lu pages, those in %#lx bytes reserved from %#lx: expected 0, found %lu",
	       count, size, start, inside);
}

/* Every page once, each with a value of its own; then all are freed, and a large block is free. */
static void test_all_pages(void)
{
	unsigned long before = alloc_pages_in_use(), count = 0, wrong = 0;
	u64 tree = checksum(dt_fdt(), SZ_64K), code = checksum(_stext, _etext - _stext);
	u64 *list = NULL, *page, files;
	const char *initrd;
	u32 initrd_size;

	dt_get_initrd(&initrd, &initrd_size);
	files = checksum(initrd, initrd_size);
	while ((page = alloc_pages_flags(0, FLAG_DONTZERO))) {
		page[0] = (u64)list;
		for (size_t word = 1; word < PAGE_SIZE / sizeof(*page); word++)
			page[word] = ~(u64)page;
		list = page;
		count++;
	}
	while (list) {
		page = list;
		list = (u64 *)page[0];
		wrong += page[1] != ~(u64)page;
		free_page(page);
	}
	report_equal(checksum(dt_fdt(), SZ_64K), tree, "checksum of the device tree");
	report_equal(checksum(_stext, _etext - _stext), code, "checksum of the image's code");
	report_equal(checksum(initrd, initrd_size), files, "checksum of the initrd, %u bytes",
		     initrd_size);
	report(wrong == 0, "of all %lu pages, those with another's value: expected 0, found %lu",
	       count, wrong);
	report_equal(alloc_pages_in_use(), before, "pages in use after all were freed");
	page = alloc_pages_flags(largest_order() - 1, FLAG_DONTZERO);
	report(page, "block of %lu KiB after all pages were freed: expected one, found NULL",
	       PAGE_SIZE / 1024 << (largest_order() - 1));
	free_pages(page);
}

static void test_malloc(void)
{
	static const size_t sizes[] = { 1, 16, 100, 1000, 2000, 5000, 70000 };
	char *mem[ARRAY_SIZE(sizes)], *aligned;
	unsigned int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		mem[i] = malloc(sizes[i]);
		assert(mem[i] && IS_ALIGNED((u64)mem[i], 16));
		memset(mem[i], i + 1, sizes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		wrong += mem[i][0] != (char)(i + 1) || mem[i][sizes[i] - 1] != (char)(i + 1);
	report(!wrong,
	       "of malloc() of %zu sizes, those overwritten by others: expected 0, found %u",
	       ARRAY_SIZE(sizes), wrong);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		free(mem[i]);
	aligned = memalign(512, 100);
	report(aligned && IS_ALIGNED((u64)aligned, 512),
	       "memalign(512): expected a multiple of 0x200, found %p", aligned);
	free(aligned);
	aligned = calloc(100, 8);
	report_equal(aligned && all_zero((u64 *)aligned, 800), true,
		     "calloc() of 800 bytes is zero");
	free(aligned);
	report_equal((u64)calloc(SIZE_MAX / 2, 4), 0, "calloc() of a size that overflows");
	report_equal((u64)malloc(SIZE_MAX - 8), 0, "malloc() of SIZE_MAX - 8");
	report_equal((u64)malloc(SIZE_MAX - 31), 0, "malloc() of SIZE_MAX - 31");
	report_equal((u64)malloc(SIZE_MAX - PAGE_SIZE + 1), 0, "malloc() that rounds up to 0");
	report_equal((u64)memalign_pages(PAGE_SIZE, SIZE_MAX), 0, "memalign_pages() of SIZE_MAX");
}

static void test_vmalloc(void)
{
	char *slot = vm_slot_alloc();
	bool populated = slot && vm_populate(slot + PAGE_SIZE, PAGE_SIZE);

	report_equal(populated && all_zero((u64 *)(slot + PAGE_SIZE), PAGE_SIZE), true,
		     "vm_populate() of a page in a slot, and the page is zero");
	report_equal((u64)follow_pte(mmu_idmap, (u64)slot), 0,
		     "leaf below the page that was populated");
	report_equal(virt_to_phys(slot + PAGE_SIZE + 8),
		     (*follow_pte(mmu_idmap, (u64)slot + PAGE_SIZE) & PT_ADDR_MASK) | 8,
		     "virt_to_phys() in a slot, by its leaf");
	vm_slot_free(slot);
}

static void print_arguments(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		report_info("argv[%d] = [%s]", i, argv[i]);
	report_info("KUT_TEST = [%s]", getenv("KUT_TEST") ?: "(not set)");
	report_pass("%d arguments", argc);
}

/* One syndrome decoded, as the runner must decode it: its tests compare. */
static void print_syndrome(u64 esr)
{
	char syndrome[128];

	report_info("esr %#lx %s", esr, esr_decode(esr, syndrome, sizeof(syndrome)));
}

static void print_syndromes(void)
{
	static const u32 patterns[] = { 0, 0x1ffffff, 0x0aaaaaa, 0x1555555, 0x0abc123 };
	static const u32 aborts[] = { 0x20, 0x21, 0x24, 0x25 };
	static const u32 aspects[] = { 0, ESR_ELx_WNR, ESR_ELx_S1PTW | ESR_ELx_CM };

	for (u64 ec = 0; ec < EC_MAX; ec++)
		for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
			print_syndrome(ec << ESR_ELx_EC_SHIFT | ESR_ELx_IL | patterns[i]);
	for (size_t i = 0; i < ARRAY_SIZE(aborts); i++)
		for (size_t a = 0; a < ARRAY_SIZE(aspects); a++)
			for (u64 fsc = 0; fsc <= ESR_ELx_FSC; fsc++)
				print_syndrome((u64)aborts[i] << ESR_ELx_EC_SHIFT | aspects[a] |
					       fsc);
	for (u64 imm = 0x54fe; imm <= 0x5518; imm++)
		print_syndrome((u64)ESR_ELx_EC_BRK64 << ESR_ELx_EC_SHIFT | imm);
	print_syndrome((u64)ESR_ELx_EC_BRK64 << ESR_ELx_EC_SHIFT | 1);
	print_syndrome((u64)ESR_ELx_EC_BRK64 << ESR_ELx_EC_SHIFT | 0x3e8);
	report_pass("syndromes decoded");
}

static const struct subtest subtests[] = {
	{ "vectors", test_vectors }, { "permissions", test_permissions },
	{ "printf", test_printf },   { "strings", test_strings },
	{ "pages", test_pages },     { "malloc", test_malloc },
	{ "vmalloc", test_vmalloc },
};

static void print_typed(void)
{
	char line[80];
	size_t length = 0;
	int c;

	puts("type a line\n");
	while ((c = getchar()) >= 0 && c != '\n' && length < sizeof(line) - 1)
		line[length++] = c;
	line[length] = '\0';
	report(c == '\n', "typed: [%s]", line);
}

/* The last page that is memory as a whole is mapped; the one of which a part is, or nothing, is not. */
static void test_end_of_memory(void)
{
	uintptr_t end = ram_regions[nr_ram_regions - 1].end, last = (end & PAGE_MASK) - 1;
	bool mapped = follow_pte(mmu_idmap, last), beyond = follow_pte(mmu_idmap, last + 1);

	report(mapped && !beyond,
	       "memory up to %#lx: expected %#lx mapped and %#lx not, found %d and %d", end, last,
	       last + 1, mapped, beyond);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "exit"))
		exit(atol(argv[2]));
	if (argc > 1 && !strcmp(argv[1], "arguments")) {
		print_arguments(argc, argv);
	} else if (argc == 2 && !strcmp(argv[1], "typed")) {
		print_typed();
	} else if (argc == 4 && !strcmp(argv[1], "reserved")) {
		test_reserved(strtoul(argv[2], NULL, 0), strtoul(argv[3], NULL, 0));
	} else if (argc == 2 && !strcmp(argv[1], "all-pages")) {
		test_all_pages();
	} else if (argc == 2 && !strcmp(argv[1], "end-of-memory")) {
		test_end_of_memory();
	} else if (argc == 2 && !strcmp(argv[1], "syndromes")) {
		print_syndromes();
	} else {
		report_prefix_push("setup");
		test_setup(argc, argv);
		report_prefix_pop();
		return run_subtests(subtests, ARRAY_SIZE(subtests), 0, NULL);
	}
	return report_summary();
}
