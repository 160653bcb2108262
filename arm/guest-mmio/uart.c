/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest with an emulated PL011 (Arm DDI 0183, 3.3). */
#include <libcflat.h>
#include <string.h>
#include <asm/barrier.h>
#include <asm/io.h>
#include "mmio.h"

#define UART_IPA 0x09000000UL

static struct mmio_pl011 uart;

#define PL011_DR 0x00
#define PL011_FR 0x18
#define PL011_FR_RXFE 0x10
#define PL011_FR_TXFF 0x20

static void guest_putc(char c)
{
	while (readl((void *)(UART_IPA + PL011_FR)) & PL011_FR_TXFF)
		cpu_relax();
	writeb(c, (void *)(UART_IPA + PL011_DR));
}

static u64 guest_print(void)
{
	static const char hello[] = "hello from a guest\n";
	u64 sum = 0;

	for (const char *s = hello; *s; s++)
		guest_putc(*s);
	while (!(readl((void *)(UART_IPA + PL011_FR)) & PL011_FR_RXFE))
		sum = sum * 10 + readb((void *)(UART_IPA + PL011_DR)) - '0';
	return sum;
}

void test_uart(void)
{
	struct guest *guest = create(guest_print);
	struct guest_statistics statistics;
	u64 accesses;

	uart.input = "314";
	assert(!mmio_add_pl011(guest, &uart, UART_IPA));
	guest_count_exits(guest, &statistics);
	guest_check_run(guest, EXPECT_RETURN(314), "digits that a guest reads from its UART");
	accesses = statistics.classes[ESR_ELx_EC_DABT_LOW];
	report(accesses == 2 * 19 + 2 * 3 + 1 && uart.length == 0 &&
		       !strcmp(uart.line, "hello from a guest"),
	       "line on the UART: expected \"hello from a guest\", 0 bytes more, %d accesses; "
	       "found \"%s\", %u, %lu",
	       2 * 19 + 2 * 3 + 1, uart.line, uart.length, accesses);
	guest_destroy(guest);
}

/* A line longer than the buffer is printed in parts. */
#define LONG_LINE 300U

static void guest_print_long(void)
{
	for (unsigned int i = 0; i < LONG_LINE; i++)
		guest_putc('a' + i % 26);
}

void test_uart_line(void)
{
	struct guest *guest = create(guest_print_long);
	unsigned int part = sizeof(uart.line) - 1, rest = LONG_LINE % part;

	uart.input = NULL;
	assert(!mmio_add_pl011(guest, &uart, UART_IPA));
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), "guest that prints a long line");
	report(uart.length == rest && uart.line[rest - 1] == 'a' + (LONG_LINE - 1) % 26 &&
		       !uart.ibrd && !uart.fbrd,
	       "%u bytes without a newline, parts of %u: expected %u left, the last '%c', found %u, "
	       "'%c'",
	       LONG_LINE, part, rest, 'a' + (LONG_LINE - 1) % 26, uart.length,
	       uart.length ? uart.line[MIN(uart.length, part) - 1] : ' ');
	guest_destroy(guest);
}

/* Values after reset, with no input, and whether they can be written. */
static const struct uart_register {
	u32 offset, reset;
	bool writable;
	const char *name;
} registers[] = {
	{ 0x018, 0x90, false, "UARTFR" },	 { 0x024, 0, true, "UARTIBRD" },
	{ 0x028, 0, true, "UARTFBRD" },		 { 0x02c, 0, true, "UARTLCR_H" },
	{ 0x030, 0x300, true, "UARTCR" },	 { 0x034, 0x12, true, "UARTIFLS" },
	{ 0x038, 0, true, "UARTIMSC" },		 { 0xfe0, 0x11, false, "UARTPeriphID0" },
	{ 0xfe4, 0x10, false, "UARTPeriphID1" }, { 0xfe8, 0x34, false, "UARTPeriphID2" },
	{ 0xfec, 0x00, false, "UARTPeriphID3" }, { 0xff0, 0x0d, false, "UARTPCellID0" },
	{ 0xff4, 0xf0, false, "UARTPCellID1" },	 { 0xff8, 0x05, false, "UARTPCellID2" },
	{ 0xffc, 0xb1, false, "UARTPCellID3" },
};
static u32 reset_values[ARRAY_SIZE(registers)], written_values[ARRAY_SIZE(registers)];

/* Written are numbers that all differ; all are read after that. */
static void guest_use_registers(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++)
		reset_values[i] = readl((void *)(UART_IPA + registers[i].offset));
	for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++)
		writel(0x20 + i, (void *)(UART_IPA + registers[i].offset));
	for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++)
		written_values[i] = readl((void *)(UART_IPA + registers[i].offset));
}

void test_uart_registers(void)
{
	struct guest *guest = create(guest_use_registers);

	uart.input = NULL;
	assert(!mmio_add_pl011(guest, &uart, UART_IPA));
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), "guest that uses its UART");
	for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++) {
		const struct uart_register *reg = &registers[i];
		u32 written = reg->writable ? 0x20 + i : reg->reset;

		report(reset_values[i] == reg->reset && written_values[i] == written,
		       "%s after reset and after a write of %#x: expected %#x, %#x, found %#x, %#x",
		       reg->name, 0x20 + i, reg->reset, written, reset_values[i],
		       written_values[i]);
	}
	guest_destroy(guest);
}
