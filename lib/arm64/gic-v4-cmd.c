/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of the ITS for virtual LPIs (IHI 0069, 5.3). */
#include <libcflat.h>
#include <asm/gic-internal.h>
#include <asm/gic-v4.h>
#include <asm/io.h>

static struct its_cmd_block of_vpe(u8 number, u16 vpe_id)
{
	return (struct its_cmd_block){ { number, (u64)vpe_id << 32 } };
}

static struct its_cmd_block of_event(u8 number, const struct its_device *dev, u32 event, u16 vpe_id)
{
	struct its_cmd_block cmd = of_vpe(number, vpe_id);

	cmd.raw_cmd[0] |= (u64)dev->device_id << 32;
	cmd.raw_cmd[1] |= event;
	return cmd;
}

void its_send_vmapp(struct gicv4_vpe *vpe, bool valid)
{
	struct its_cmd_block cmd = of_vpe(GITS_CMD_VMAPP, vpe->vpe_id);

	cmd.raw_cmd[2] = its_target_of(vpe->cpu) | (valid ? ITS_CMD_VALID : 0);
	cmd.raw_cmd[3] = virt_to_phys(vpe->vpt_page) | (LPI_TABLE_ID_BITS - 1);
	its_send(cmd, false);
}

void its_send_vmapti_doorbell(struct its_device *dev, u32 id, u32 vpe_id, u32 vlpi_id, u32 doorbell)
{
	struct its_cmd_block cmd = of_event(GITS_CMD_VMAPTI, dev, id, vpe_id);

	cmd.raw_cmd[2] = (u64)doorbell << 32 | vlpi_id;
	its_send(cmd, false);
}

void its_send_vmapti(struct its_device *dev, u32 id, u32 vpe_id, u32 vlpi_id)
{
	its_send_vmapti_doorbell(dev, id, vpe_id, vlpi_id, GICV4_NO_DOORBELL);
}

void its_send_vmapi(struct its_device *dev, u32 vlpi_id, u32 vpe_id, u32 doorbell)
{
	struct its_cmd_block cmd = of_event(GITS_CMD_VMAPI, dev, vlpi_id, vpe_id);

	cmd.raw_cmd[2] = (u64)doorbell << 32;
	its_send(cmd, false);
}

void its_send_vmovi(struct its_device *dev, u32 id, u32 vpe_id)
{
	its_send(of_event(GITS_CMD_VMOVI, dev, id, vpe_id), false);
}

/* One ITS: no other one has to know, so that SequenceNumber and ITSList are 0. */
void its_send_vmovp(struct gicv4_vpe *vpe, int cpu)
{
	struct its_cmd_block cmd = of_vpe(GITS_CMD_VMOVP, vpe->vpe_id);

	assert_msg(!vpe->resident, "vPE %u is scheduled", vpe->vpe_id);
	assert_msg(cpu >= 0 && cpu < nr_cpus, "CPU %d of %d", cpu, nr_cpus);
	cmd.raw_cmd[2] = its_target_of(cpu);
	its_send(cmd, false);
	vpe->cpu = cpu;
}

void its_send_vsync(struct gicv4_vpe *vpe)
{
	its_send(of_vpe(GITS_CMD_VSYNC, vpe->vpe_id), false);
}

void its_send_vinvall(struct gicv4_vpe *vpe)
{
	its_send(of_vpe(GITS_CMD_VINVALL, vpe->vpe_id), false);
}
