/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image that starts with the MMU off, and what the library does then. */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <auxinfo.h>
#include <on-cpus.h>
#include <string.h>
#include <vmalloc.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/smp.h>

struct auxinfo auxinfo = { .progname = "mmu-off", .flags = AUXINFO_MMU_OFF };

static void check_off(void *data)
{
	bool *off = data;

	*off = !mmu_enabled();
}

int main(int argc, char **argv)
{
	bool off = false;
	char *mem = malloc(100);
	u64 *page = alloc_page();

	report(!strcmp(argv[0], "mmu-off"), "the image's own name: %s", argv[0]);
	report(!mmu_enabled() && !vm_available(), "the MMU is off");
	report(mem && page && !page[0] && !page[PAGE_SIZE / 8 - 1], "memory, and a page of zeros");
	free(mem);
	if (nr_cpus > 1)
		on_cpu(1, check_off, &off);
	report(off || nr_cpus == 1, "another CPU comes with its MMU off too");

	*page = 5;
	dcache_clean_inval_poc(page, sizeof(*page));
	mmu_enable(mmu_idmap);
	report(mmu_enabled() && *page == 5, "mmu_enable() finds tables that are ready: %lu", *page);
	return report_summary();
}
