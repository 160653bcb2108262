/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Emulated devices: a guest's loads and stores to addresses that stage 2 does not map, answered by
 * the host in C.
 */
#ifndef ASMARM64_MMIO_H
#define ASMARM64_MMIO_H

#include <libcflat.h>
#include <asm/guest.h>

#define MMIO_XZR 31

/* One load or store, as the syndrome describes it (DDI 0487, ESR_EL2, ISS for a Data Abort). */
struct mmio_access {
	u64 ipa;
	unsigned int size; /* bytes: 1, 2, 4 or 8 */
	unsigned int reg; /* 0..30, or MMIO_XZR */
	bool write;
	bool sign_extend; /* a load of a signed value */
	bool sf; /* the register is X, not W */
	bool big_endian; /* the guest's data are big-endian; devices are little-endian */
};

enum mmio_decoded {
	MMIO_DECODED,
	MMIO_NO_ACCESS, /* the exit is no data abort of the guest's own load or store */
	MMIO_NO_SYNDROME, /* ESR_EL2.ISV is 0: LDP, STP, index written back, atomics, DC, SIMD */
};

/* Decode the guest's last exit. @access->ipa is also valid for MMIO_NO_SYNDROME. */
enum mmio_decoded mmio_decode(struct guest *guest, struct mmio_access *access);

/* The value of a store: zero-extended from its size. */
u64 mmio_store_value(const struct guest *guest, const struct mmio_access *access);
/* Complete a load with @value: cut to its size, extended as it asks, into its register. */
void mmio_load_value(struct guest *guest, const struct mmio_access *access, u64 value);

/*
 * A device. @offset is from @base; the access lies in the range as a whole. Callbacks run as a
 * handler does (asm/guest.h), one at a time: vCPUs, or guests, may have the device in common.
 */
struct mmio_device {
	const char *name;
	u64 base, size; /* IPA and bytes; stage 2 maps none of it */
	u64 (*read)(struct guest *guest, struct mmio_device *device, u64 offset, unsigned int size);
	void (*write)(struct guest *guest, struct mmio_device *device, u64 offset,
		      unsigned int size, u64 value);
	struct spinlock lock; /* of the callbacks */
};

/*
 * Give @device to @guest. From then on accesses to its range reach no handler; one without a
 * syndrome is printed and ends the run as GUEST_EXIT_NO_SYNDROME. -EINVAL when the range is empty,
 * wraps, or overlaps another device's; -ENOMEM after GUEST_MAX_DEVICES. Each vCPU is given
 * its devices by a call of its own. @device must outlive the guest or be removed.
 */
int mmio_add_device(struct guest *guest, struct mmio_device *device);
void mmio_remove_device(struct guest *guest, struct mmio_device *device);

/*
 * Example: a PL011 UART (Arm DDI 0183). Its output is printed as INFO lines, one for each of the
 * guest's lines. It is always ready; reads take from @input until its end.
 */
struct mmio_pl011 {
	struct mmio_device device;
	const char *input; /* NULL: none */
	unsigned int length; /* of the line so far */
	char line[120];
	u32 ibrd, fbrd, lcr, cr, ifls, imsc;
};
int mmio_add_pl011(struct guest *guest, struct mmio_pl011 *uart, u64 base);
#define PL011_SIZE 0x1000

/*
 * Example: a device for tests. Its 4 KiB are memory that remembers the last access; values to read,
 * and values written, are in @bytes.
 */
struct mmio_testdev {
	struct mmio_device device;
	unsigned int reads, writes;
	u64 last_offset, last_value; /* the value of writes only */
	unsigned int last_size;
	u8 bytes[4096];
};
int mmio_add_testdev(struct guest *guest, struct mmio_testdev *testdev, u64 base);

/* For guest-dispatch.c. */
enum mmio_result {
	MMIO_NOT_OURS,
	MMIO_DONE,
	MMIO_REPORTED, /* no syndrome: printed, exit_reason set */
};
enum mmio_result mmio_emulate(struct guest *guest);

#endif
