/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in the guest's memory, where QEMU has them, and the registers of the boot protocol. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "registers.h"
#include "report.h"
#include "vm.h"

#define ALIGN_UP(value, to) (((value) + (to) - 1) & ~((uint64_t)(to) - 1))
#define PAGE 4096ULL
#define MIB (1ULL << 20)

/* Header of an image (Linux, Documentation/arch/arm64/booting.rst) */
#define HEADER_SIZE 64
#define HEADER_TEXT_OFFSET 8
#define HEADER_IMAGE_SIZE 16
#define HEADER_MAGIC 56
#define DEFAULT_TEXT_OFFSET 0x80000ULL
#define SMALLEST_TEXT_OFFSET PAGE
#define INITRD_OFFSET (128 * MIB)
#define FDT_SPACE (2 * MIB)

static void fail_read(const char *path)
{
	fail(EXIT_FAILED, path, "cannot be read: ", strerror(errno));
}

/* Read the file @path to guest address @address; returns its size. */
static uint64_t load(struct vm *vm, const char *path, uint64_t address)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *memory;

	if (fd < 0 || fstat(fd, &status))
		fail_read(path);
	memory = vm_memory(vm, address, status.st_size);
	if (!memory)
		fail(EXIT_FAILED, path, "does not fit into the guest's memory", "");
	for (off_t done = 0; done < status.st_size;) {
		ssize_t size = read(fd, memory + done, status.st_size - done);

		if (size < 0)
			fail_read(path);
		if (!size)
			fail(EXIT_FAILED, path, "has become shorter", "");
		done += size;
	}
	close(fd);
	return status.st_size;
}

static uint64_t header_field(const uint8_t *header, unsigned int offset)
{
	uint64_t value;

	memcpy(&value, header + offset, sizeof(value));
	return value;
}

/* Offset of the image from the start of memory, as QEMU chooses it. */
static uint64_t text_offset(const char *path)
{
	uint8_t header[HEADER_SIZE] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t offset;

	if (fd < 0 || read(fd, header, sizeof(header)) < 0)
		fail_read(path);
	close(fd);
	if (memcmp(header + HEADER_MAGIC, "ARM\x64", 4) || !header_field(header, HEADER_IMAGE_SIZE))
		return DEFAULT_TEXT_OFFSET;
	offset = header_field(header, HEADER_TEXT_OFFSET);
	return offset < SMALLEST_TEXT_OFFSET ? offset + 2 * MIB : offset;
}

static void set_core_register(struct vm *vm, uint64_t id, uint64_t value)
{
	if (!set_register(vm->cpus[0].fd, id, value))
		fail_errno("KVM_SET_ONE_REG");
}

void vm_load(struct vm *vm)
{
	const struct options *options = vm->options;
	uint64_t half = vm->ram_size / 2;
	uint64_t initrd = RAM_BASE + (half < INITRD_OFFSET ? half : INITRD_OFFSET);
	uint64_t initrd_size = 0, fdt;

	vm->image = RAM_BASE + text_offset(options->image);
	load(vm, options->image, vm->image);
	if (options->initrd)
		initrd_size = load(vm, options->initrd, initrd);
	fdt = ALIGN_UP(initrd + initrd_size, FDT_SPACE);
	if (!vm_memory(vm, fdt, FDT_SPACE) ||
	    !machine_fdt(vm, initrd, initrd_size, vm_memory(vm, fdt, FDT_SPACE), FDT_SPACE))
		fail(EXIT_FAILED, "the device tree", "does not fit into the guest's memory", "");
	set_core_register(vm, CORE_REGISTER(regs.pc), vm->image);
	set_core_register(vm, general_register(0), fdt);
}
