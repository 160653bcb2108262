/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console: the UART that the device tree names. */
#include <libcflat.h>
#include <asm/console.h>
#include <asm/deadline.h>
#include <asm/io.h>
#include <asm/spinlock.h>

/* PL011 (Arm DDI 0183, 3.3) */
#define PL011_DR 0x00
#define PL011_FR 0x18
#define PL011_FR_RXFE (1 << 4)
#define PL011_FR_TXFF (1 << 5)
/* 16550 */
#define UART16550_RBR 0
#define UART16550_THR 0
#define UART16550_LSR 5
#define UART16550_LSR_DR (1 << 0)
#define UART16550_LSR_THRE (1 << 5)

/* For whoever is to type something */
#define GETCHAR_MS 60000

static struct spinlock lock;
static enum console_type type;
static void *base;
static bool at_line_start = true;
static bool emergency;

void console_setup(enum console_type t, void *registers)
{
	type = t;
	base = registers;
}

static void putchar_pl011(char c)
{
	while (readl(base + PL011_FR) & PL011_FR_TXFF)
		cpu_relax();
	writeb(c, base + PL011_DR);
}

static void putchar_16550(char c)
{
	while (!(readb(base + UART16550_LSR) & UART16550_LSR_THRE))
		cpu_relax();
	writeb(c, base + UART16550_THR);
}

void puts(const char *s)
{
	if (type == CONSOLE_NONE)
		return;
	if (!emergency)
		spin_lock(&lock);
	for (; *s; s++) {
		if (type == CONSOLE_PL011)
			putchar_pl011(*s);
		else
			putchar_16550(*s);
		at_line_start = *s == '\n';
	}
	if (!emergency)
		spin_unlock(&lock);
}

static int getchar_pl011(void)
{
	return readl(base + PL011_FR) & PL011_FR_RXFE ? -1 : readb(base + PL011_DR);
}

static int getchar_16550(void)
{
	return readb(base + UART16550_LSR) & UART16550_LSR_DR ? readb(base + UART16550_RBR) : -1;
}

int __getchar(void)
{
	int c;

	if (type == CONSOLE_NONE)
		return -1;
	spin_lock(&lock);
	c = type == CONSOLE_PL011 ? getchar_pl011() : getchar_16550();
	spin_unlock(&lock);
	return c;
}

int getchar(void)
{
	int c = -1;

	wait_for((c = __getchar()) >= 0, GETCHAR_MS);
	return c;
}

void console_start_line(void)
{
	if (!at_line_start)
		puts("\n");
}

void console_emergency(void)
{
	emergency = true;
}
