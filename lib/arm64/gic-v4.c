/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vPEs of GIC version 4, and the redistributors that they are scheduled on (IHI 0069, 5.4). */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <asm/gic-internal.h>
#include <asm/gic-v4.h>
#include <asm/io.h>
#include <asm/vgic.h>

#define VPENDBASER_UPPER (GICR_VPENDBASER + 4)

const char *gicv4_unsupported(void)
{
	const char *reason = its_unsupported();

	if (reason)
		return reason;
	if (!is_gicv4())
		return "GITS_TYPER.Virtual is 0: no virtual LPIs (no gic-version=4?)";
	if (readq(gicv3_redistributor_of(0) + GICR_TYPER) & GICR_TYPER_RVPEID)
		return "GICR_TYPER.RVPEID is 1: the GIC is of version 4.1";
	return NULL;
}

struct gicv4_vpe *gicv4_alloc_vpe(u16 vpe_id)
{
	struct gicv4_vpe *vpe;

	assert_msg(!gicv4_unsupported(), "%s", gicv4_unsupported());
	assert_msg(vpe_id < its_data.vpe_baser.nr_entries,
		   "vPE: expected an ID below %lu, found %u",
		   (unsigned long)its_data.vpe_baser.nr_entries, vpe_id);
	if (!gicv3_data.vlpi_prop)
		gicv3_data.vlpi_prop = memalign_pages(SZ_4K, LPI_TABLE_INTIDS - LPI_ID_BASE);
	vpe = calloc(1, sizeof(*vpe));
	if (!vpe || !gicv3_data.vlpi_prop) {
		free(vpe);
		return NULL;
	}
	vpe->vpt_page = memalign_pages(LPI_PENDING_TABLE_ALIGNMENT, LPI_TABLE_INTIDS / 8);
	if (!vpe->vpt_page) {
		free(vpe);
		return NULL;
	}
	vpe->vpe_id = vpe_id;
	vpe->conf_table = gicv3_data.vlpi_prop;
	vpe->cpu = smp_processor_id();
	return vpe;
}

void gicv4_free_vpe(struct gicv4_vpe *vpe)
{
	if (!vpe)
		return;
	assert_msg(!vpe->resident, "vPE %u is scheduled", vpe->vpe_id);
	free_pages(vpe->vpt_page);
	free(vpe);
}

static void wait_until_clean(void *redist)
{
	gic_wait_while(redist + VPENDBASER_UPPER, GICR_VPENDBASER_DIRTY >> 32,
		       "GICR_VPENDBASER.Dirty");
}

/* PendingLast 0 would say that the table need not be read. */
void gicv4_schedule_vpe(struct gicv4_vpe *vpe)
{
	void *redist = gicv3_redist_base();
	u64 pend;

	assert_msg(vpe->cpu == smp_processor_id(), "vPE %u is mapped to CPU %d", vpe->vpe_id,
		   vpe->cpu);
	assert_msg(!(readq(redist + GICR_VPENDBASER) & GICR_VPENDBASER_VALID),
		   "vPE %u: another one is scheduled on CPU %d", vpe->vpe_id, vpe->cpu);
	wait_until_clean(redist);
	writeq(virt_to_phys(vpe->conf_table) | LPI_TABLE_CACHEABLE | (LPI_TABLE_ID_BITS - 1),
	       redist + GICR_VPROPBASER);
	pend = virt_to_phys(vpe->vpt_page) | LPI_TABLE_CACHEABLE | GICR_VPENDBASER_PENDINGLAST |
	       (vpe->idai ? GICR_VPENDBASER_IDAI : 0);
	writeq(pend | GICR_VPENDBASER_VALID, redist + GICR_VPENDBASER);
	wait_until_clean(redist);
	vpe->resident = true;
	vgic_host_set_open(true);
}

bool gicv4_deschedule_vpe(struct gicv4_vpe *vpe)
{
	void *redist = gicv3_redist_base();
	u64 pend = readq(redist + GICR_VPENDBASER);

	assert_msg(vpe->resident && vpe->cpu == smp_processor_id(),
		   "vPE %u is not scheduled on CPU %d", vpe->vpe_id, smp_processor_id());
	writeq(pend & ~GICR_VPENDBASER_VALID, redist + GICR_VPENDBASER);
	wait_until_clean(redist);
	pend = readq(redist + GICR_VPENDBASER);
	vpe->idai = pend & GICR_VPENDBASER_IDAI;
	vpe->resident = false;
	vgic_host_set_open(false);
	return pend & GICR_VPENDBASER_PENDINGLAST;
}

static u8 *config_of(u32 vintid)
{
	assert_msg(gicv3_data.vlpi_prop, "virtual LPI %u: no gicv4_alloc_vpe()", vintid);
	assert_msg(vintid >= LPI_ID_BASE && vintid < LPI_TABLE_INTIDS,
		   "virtual LPI: expected %u..%lu, found %u", LPI_ID_BASE, LPI_TABLE_INTIDS - 1,
		   vintid);
	return &gicv3_data.vlpi_prop[LPI_OFFSET(vintid)];
}

void gicv4_vlpi_set_config(u32 vintid, u8 config)
{
	*config_of(vintid) = config;
}

u8 gicv4_vlpi_get_config(u32 vintid)
{
	return *config_of(vintid);
}
