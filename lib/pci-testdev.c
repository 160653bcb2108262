/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of QEMU's pci-testdev, a device that counts writes to one address of a BAR. */
#include <libcflat.h>
#include <pci.h>
#include <asm/io.h>

#define WRITES 16
/* In a BAR of 256 bytes at least */
#define MAX_NAME 64
#define MAX_TESTS 256

static void write_data(struct pci_test_dev_hdr *test, unsigned int width, u32 offset, u32 data)
{
	void *address = (char *)test + offset;

	switch (width) {
	case 1:
		writeb(data, address);
		break;
	case 2:
		writew(data, address);
		break;
	case 4:
		writel(data, address);
		break;
	}
}

/* Select a test; returns the width of its writes, 0 when the BAR has no such test. */
static unsigned int start(struct pci_test_dev_hdr *test, int number)
{
	unsigned int width;

	writeb(number, &test->test);
	width = readb(&test->width);
	return width == 1 || width == 2 || width == 4 ? width : 0;
}

/*
 * True when the device has seen all writes of the test that is selected. An eventfd, which the
 * tests after the first use, may take them before the device counts them.
 */
static bool run(struct pci_test_dev_hdr *test, int number, unsigned int width)
{
	u32 offset = readl(&test->offset), data = readl(&test->data), before, count;

	before = readl(&test->count);
	for (int i = 0; i < WRITES; i++)
		write_data(test, width, offset, data);
	count = readl(&test->count);
	return !before && (count == WRITES || (number && !count));
}

static void print_result(struct pci_test_dev_hdr *test, bool passed)
{
	char name[MAX_NAME];
	int length = 0;

	while (length < MAX_NAME - 1 && (name[length] = readb(&test->name[length])))
		length++;
	name[length] = '\0';
	printf("pci-testdev: %s: %s\n", name, passed ? "passed" : "failed");
}

/* The tests of one BAR; returns how many passed. */
static int run_all(struct pci_dev *dev, int bar_num)
{
	struct pci_test_dev_hdr *test;
	unsigned int width;
	int passed = 0;

	if (!pci_bar_is_valid(dev, bar_num)) {
		printf("pci-testdev: BAR %d has no address\n", bar_num);
		return 0;
	}
	test = ioremap(pci_bar_get_addr(dev, bar_num), pci_bar_size(dev, bar_num));
	for (int number = 0; number < MAX_TESTS && (width = start(test, number)); number++) {
		bool good = run(test, number, width);

		print_result(test, good);
		passed += good;
	}
	return passed;
}

int pci_testdev(void)
{
	pcidevaddr_t bdf = pci_find_dev(PCI_VENDOR_ID_REDHAT, PCI_DEVICE_ID_REDHAT_TEST);
	struct pci_dev dev;

	if (bdf == PCIDEVADDR_INVALID) {
		printf("pci-testdev: not found, see QEMU's -device pci-testdev\n");
		return -1;
	}
	pci_dev_init(&dev, bdf);
	return run_all(&dev, PCI_TESTDEV_BAR_MEM) + run_all(&dev, PCI_TESTDEV_BAR_IO);
}
