/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image that starts with the MMU off, and the library in that state. */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <auxinfo.h>
#include <on-cpus.h>
#include <string.h>
#include <vmalloc.h>
#include <asm/backtrace.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/smp.h>

struct auxinfo auxinfo = { .progname = "mmu-off", .flags = AUXINFO_MMU_OFF };

static void check_off(void *data)
{
	bool *off = data;

	*off = !mmu_enabled();
}

/* A frame pointer to the end of the image is not followed: the image is what is read. */
static void check_backtrace(void)
{
	struct backtrace trace = {};
	struct frame *end = (struct frame *)_end, before = *end;

	*end = (struct frame){ .ret = _stext };
	backtrace_add_chain(&trace, end);
	*end = before;
	report(!trace.len, "backtrace from a record behind the image: expected none, found%s",
	       trace.text);
}

int main(int argc, char **argv)
{
	bool off = false;
	char *mem = malloc(100);
	u64 *page = alloc_page();

	report(!strcmp(argv[0], "mmu-off"), "argv[0]: expected mmu-off, found %s", argv[0]);
	report(!mmu_enabled() && vm_available(),
	       "mmu_enabled() and vm_available() with the MMU off: expected 0, 1, found %d, %d",
	       mmu_enabled(), vm_available());
	assert(mem && page);
	report(!page[0] && !page[PAGE_SIZE / 8 - 1],
	       "first and last word of a new page: expected 0, 0, found %#lx, %#lx", page[0],
	       page[PAGE_SIZE / 8 - 1]);
	free(mem);
	if (nr_cpus > 1)
		on_cpu(1, check_off, &off);
	report(off || nr_cpus == 1, "MMU off on another CPU: expected 1, found %d", off);

	check_backtrace();
	*page = 5;
	dcache_clean_inval_poc(page, sizeof(*page));
	setup_vm();
	report(mmu_enabled() && *page == 5,
	       "after setup_vm(): expected the MMU on, word 5, found %d, %lu", mmu_enabled(),
	       *page);
	return report_summary();
}
