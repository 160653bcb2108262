/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ITS and LPIs that are used wrongly. */
#include <libcflat.h>
#include <asm/gic.h>
#include <asm/gic-v4.h>
#include <asm/io.h>
#include "misbehave.h"

/* Where the machine has neither memory nor a device */
#define NOTHING_THERE 0x0b800000UL

static struct its_device *its_device_at(void *itt)
{
	struct its_device *dev;

	gic_enable_defaults();
	its_enable_defaults();
	dev = its_create_device(2, 5);
	dev->itt = itt ?: dev->itt;
	its_send_mapd_nv(dev, true);
	return dev;
}

static struct its_device *device_of_stopped_its(void)
{
	struct its_device *dev = its_device_at(NULL);

	writel(0, gicv3_its_base() + GITS_CTLR);
	return dev;
}

void its_stopped(void)
{
	its_send_int_nv(device_of_stopped_its(), 7);
}

void its_stopped_vmapp(void)
{
	device_of_stopped_its();
	its_send_vmapp(gicv4_alloc_vpe(5), true);
}

void its_stopped_vmapti(void)
{
	its_send_vmapti_doorbell(device_of_stopped_its(), 7, 5, LPI(3), LPI(4));
}

void its_stopped_vmovi(void)
{
	its_send_vmovi(device_of_stopped_its(), 7, 5);
}

void its_stalled(void)
{
	struct its_collection *col;
	struct its_device *dev = its_device_at(ioremap(NOTHING_THERE, SZ_4K));

	col = its_create_collection(1, 0);
	its_send_mapc_nv(col, true);
	its_send_mapti_nv(dev, LPI(3), 7, col);
}

void its_unknown_device(void)
{
	its_device_at(NULL);
	its_get_device(3);
}

void lpi_out_of_range(void)
{
	its_device_at(NULL);
	gicv3_lpi_set_config(LPI_ID_BASE - 1, LPI_PROP_DEFAULT);
}

void vlpi_out_of_range(void)
{
	its_device_at(NULL);
	gicv4_alloc_vpe(5);
	gicv4_vlpi_set_config(LPI_ID_BASE - 1, LPI_PROP_DEFAULT);
}
