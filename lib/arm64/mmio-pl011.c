/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An emulated PL011 (Arm DDI 0183, 3.3), so that a guest can print. */
#include <libcflat.h>
#include <asm/mmio.h>

enum pl011_register {
	DR = 0x000,
	FR = 0x018,
	IBRD = 0x024,
	FBRD = 0x028,
	LCR_H = 0x02c,
	CR = 0x030,
	IFLS = 0x034,
	IMSC = 0x038,
	ID_FIRST = 0xfe0,
};
#define FR_RXFE (1 << 4)
#define FR_TXFE (1 << 7)
#define CR_RESET 0x300 /* TXE, RXE */
#define IFLS_RESET 0x12

/* UARTPeriphID0..3, UARTPCellID0..3 of revision r1p5 */
static const u8 ids[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static struct mmio_pl011 *pl011(struct mmio_device *device)
{
	return container_of(device, struct mmio_pl011, device);
}

static void flush_line(struct mmio_pl011 *uart)
{
	uart->line[uart->length] = '\0';
	report_info("%s: %s", uart->device.name, uart->line);
	uart->length = 0;
}

static void put(struct mmio_pl011 *uart, char c)
{
	if (c == '\r')
		return;
	if (c != '\n')
		uart->line[uart->length++] = c;
	if (c == '\n' || uart->length == sizeof(uart->line) - 1)
		flush_line(uart);
}

static bool has_input(const struct mmio_pl011 *uart)
{
	return uart->input && *uart->input;
}

/* The storage of a register without effects, or NULL. */
static u32 *plain_register(struct mmio_pl011 *uart, u64 offset)
{
	switch (offset) {
	case IBRD:
		return &uart->ibrd;
	case FBRD:
		return &uart->fbrd;
	case LCR_H:
		return &uart->lcr;
	case CR:
		return &uart->cr;
	case IFLS:
		return &uart->ifls;
	case IMSC:
		return &uart->imsc;
	default:
		return NULL;
	}
}

static u64 pl011_read(struct guest *guest, struct mmio_device *device, u64 offset,
		      unsigned int size)
{
	struct mmio_pl011 *uart = pl011(device);
	const u32 *plain = plain_register(uart, offset);

	if (plain)
		return *plain;
	if (offset >= ID_FIRST)
		return ids[(offset - ID_FIRST) / 4];
	switch (offset) {
	case DR:
		return has_input(uart) ? (u8)*uart->input++ : 0;
	case FR:
		return FR_TXFE | (has_input(uart) ? 0 : FR_RXFE);
	default:
		return 0;
	}
}

static void pl011_write(struct guest *guest, struct mmio_device *device, u64 offset,
			unsigned int size, u64 value)
{
	struct mmio_pl011 *uart = pl011(device);
	u32 *plain = plain_register(uart, offset);

	if (plain)
		*plain = value;
	else if (offset == DR)
		put(uart, value);
}

int mmio_add_pl011(struct guest *guest, struct mmio_pl011 *uart, u64 base)
{
	*uart = (struct mmio_pl011){
		.device = {
			.name = "guest's PL011",
			.base = base,
			.size = PL011_SIZE,
			.read = pl011_read,
			.write = pl011_write,
		},
		.input = uart->input,
		.cr = CR_RESET,
		.ifls = IFLS_RESET,
	};
	return mmio_add_device(guest, &uart->device);
}
