/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's testdev chardev behind a virtio console: it ends QEMU with an exit status when it is sent
 * "<code>q". The QEMU options are
 *   -device virtio-serial-device -device virtconsole,chardev=ctd -chardev testdev,id=ctd
 */
#ifndef ASMARM64_VIRTIO_TESTDEV_H
#define ASMARM64_VIRTIO_TESTDEV_H

#include <libcflat.h>

/* A virtio-mmio slot of the machine; it is probed for a console only when the run ends. */
void virtio_testdev_candidate(phys_addr_t base, u64 size);
/*
 * Map the slots in advance: at the end of a run, memory for page tables may be out, or its lock
 * held.
 */
void virtio_testdev_map(void);
/* QEMU exits with (@code << 1) | 1. Returns if no slot holds a console. */
void virtio_testdev_exit(int code);

#endif
