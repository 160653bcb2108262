/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "console.h"
#include "report.h"
#include "text.h"

#define PAGE 4096
#define SLOT 1

/* PL011 (Arm DDI 0183, 3.3): data, flags; an empty FIFO in both directions; identification. */
#define DR 0x00
#define FR 0x18
#define FR_RXFE (1 << 4)
#define FR_TXFE (1 << 7)
#define PERIPH_ID 0xfe0
static const uint8_t identification[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kvm_coalesced_mmio_ring *ring;
static uint32_t ring_size;

static struct {
	size_t length;
	char text[4096];
} pending;

static void flush(void)
{
	write_all(STDOUT_FILENO, pending.text, pending.length);
	pending.length = 0;
}

static void put(uint8_t byte)
{
	pending.text[pending.length++] = byte;
	if (pending.length == sizeof(pending.text))
		flush();
}

static void drain_ring(void)
{
	uint32_t first = ring->first;

	while (first != __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE)) {
		const struct kvm_coalesced_mmio *write = &ring->coalesced_mmio[first];

		if (write->phys_addr == UART_BASE + DR)
			put(write->data[0]);
		first = (first + 1) % ring_size;
		__atomic_store_n(&ring->first, first, __ATOMIC_RELEASE);
	}
}

void console_drain(void)
{
	pthread_mutex_lock(&lock);
	if (ring)
		drain_ring();
	flush();
	pthread_mutex_unlock(&lock);
}

bool console_write(uint64_t address, uint64_t value)
{
	if (address - UART_BASE >= UART_SIZE)
		return false;
	if (address == UART_BASE + DR) {
		pthread_mutex_lock(&lock);
		put(value);
		flush();
		pthread_mutex_unlock(&lock);
	}
	return true;
}

static void create_page(struct vm *vm)
{
	uint8_t *page =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.slot = SLOT,
		.flags = KVM_MEM_READONLY,
		.guest_phys_addr = UART_BASE,
		.memory_size = UART_SIZE,
		.userspace_addr = (uintptr_t)page,
	};

	if (page == MAP_FAILED)
		fail_errno("mmap of the UART");
	page[FR] = FR_TXFE | FR_RXFE;
	for (unsigned int i = 0; i < sizeof(identification); i++)
		page[PERIPH_ID + 4 * i] = identification[i];
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		fail_errno("KVM_SET_USER_MEMORY_REGION of the UART");
}

static void create_ring(struct vm *vm)
{
	int offset = kvm_capability(vm->kvm, KVM_CAP_COALESCED_MMIO);
	struct kvm_coalesced_mmio_zone zone = { .addr = UART_BASE + DR, .size = 4 };

	if (!offset)
		return;
	if (ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone))
		fail_errno("KVM_REGISTER_COALESCED_MMIO");
	ring = (void *)((char *)vm->cpus[0].run + offset * PAGE);
	ring_size = (PAGE - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);
}

void console_create(struct vm *vm)
{
	create_page(vm);
	create_ring(vm);
}
