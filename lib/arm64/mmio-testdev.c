/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An emulated device for tests: memory that records the last access. */
#include <libcflat.h>
#include <string.h>
#include <asm/mmio.h>

static struct mmio_testdev *note(struct mmio_device *device, u64 offset, unsigned int size)
{
	struct mmio_testdev *testdev = container_of(device, struct mmio_testdev, device);

	testdev->last_offset = offset;
	testdev->last_size = size;
	return testdev;
}

static u64 testdev_read(struct guest *guest, struct mmio_device *device, u64 offset,
			unsigned int size)
{
	struct mmio_testdev *testdev = note(device, offset, size);
	u64 value = 0;

	testdev->reads++;
	memcpy(&value, &testdev->bytes[offset], size);
	return value;
}

static void testdev_write(struct guest *guest, struct mmio_device *device, u64 offset,
			  unsigned int size, u64 value)
{
	struct mmio_testdev *testdev = note(device, offset, size);

	testdev->writes++;
	testdev->last_value = value;
	memcpy(&testdev->bytes[offset], &value, size);
}

int mmio_add_testdev(struct guest *guest, struct mmio_testdev *testdev, u64 base)
{
	memset(testdev, 0, sizeof(*testdev));
	testdev->device = (struct mmio_device){
		.name = "test device",
		.base = base,
		.size = sizeof(testdev->bytes),
		.read = testdev_read,
		.write = testdev_write,
	};
	return mmio_add_device(guest, &testdev->device);
}
