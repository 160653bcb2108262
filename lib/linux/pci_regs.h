/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration space of a PCI function (PCI Local Bus Specification 3.0, chapter 6). */
#ifndef LINUX_PCI_REGS_H
#define LINUX_PCI_REGS_H

#define PCI_VENDOR_ID 0x00 /* 16 bits; 0xffff where no function is */
#define PCI_DEVICE_ID 0x02 /* 16 bits */
#define PCI_COMMAND 0x04 /* 16 bits */
#define PCI_COMMAND_IO 0x001 /* the function answers in I/O space */
#define PCI_COMMAND_MEMORY 0x002 /* and in memory space */
#define PCI_COMMAND_MASTER 0x004 /* it may send requests, MSIs included */
#define PCI_COMMAND_PARITY 0x040
#define PCI_COMMAND_SERR 0x100
#define PCI_COMMAND_INTX_DISABLE 0x400
#define PCI_STATUS 0x06 /* 16 bits */
#define PCI_STATUS_INTERRUPT 0x08 /* INTx is asserted */
#define PCI_STATUS_CAP_LIST 0x10
#define PCI_CLASS_REVISION 0x08 /* class in the upper 24 bits */
#define PCI_REVISION_ID 0x08 /* 8 bits */
#define PCI_CLASS_PROG 0x09 /* 8 bits */
#define PCI_CLASS_DEVICE 0x0a /* 16 bits: subclass, class */
#define PCI_CACHE_LINE_SIZE 0x0c /* 8 bits */
#define PCI_LATENCY_TIMER 0x0d /* 8 bits */
#define PCI_HEADER_TYPE 0x0e /* 8 bits */
#define PCI_HEADER_TYPE_NORMAL 0
#define PCI_HEADER_TYPE_BRIDGE 1
#define PCI_HEADER_TYPE_CARDBUS 2
#define PCI_HEADER_TYPE_MULTIFUNCTION 0x80 /* in function 0: there are others */
#define PCI_BIST 0x0f /* 8 bits */

/* Base address registers, 32 bits; two of them are one of 64 bits (6.2.5.1) */
#define PCI_BASE_ADDRESS_0 0x10
#define PCI_BASE_ADDRESS_1 0x14
#define PCI_BASE_ADDRESS_2 0x18
#define PCI_BASE_ADDRESS_3 0x1c
#define PCI_BASE_ADDRESS_4 0x20
#define PCI_BASE_ADDRESS_5 0x24
#define PCI_BASE_ADDRESS_SPACE 0x01
#define PCI_BASE_ADDRESS_SPACE_IO 0x01
#define PCI_BASE_ADDRESS_SPACE_MEMORY 0x00
#define PCI_BASE_ADDRESS_MEM_TYPE_MASK 0x06
#define PCI_BASE_ADDRESS_MEM_TYPE_32 0x00
#define PCI_BASE_ADDRESS_MEM_TYPE_1M 0x02 /* below 1 MiB; reserved since version 2.2 */
#define PCI_BASE_ADDRESS_MEM_TYPE_64 0x04
#define PCI_BASE_ADDRESS_MEM_PREFETCH 0x08
#define PCI_BASE_ADDRESS_MEM_MASK (~0x0fU)
#define PCI_BASE_ADDRESS_IO_MASK (~0x03U)

#define PCI_SUBSYSTEM_VENDOR_ID 0x2c /* 16 bits */
#define PCI_SUBSYSTEM_ID 0x2e /* 16 bits */
#define PCI_ROM_ADDRESS 0x30 /* 32 bits */
#define PCI_CAPABILITY_LIST 0x34 /* 8 bits: offset of the first capability */
#define PCI_INTERRUPT_LINE 0x3c /* 8 bits, for software */
#define PCI_INTERRUPT_PIN 0x3d /* 8 bits: 1 to 4 is INTA to INTD, 0 none */

/* A capability (6.7): its ID, and the offset of the next, 8 bits each */
#define PCI_CAP_LIST_ID 0
#define PCI_CAP_LIST_NEXT 1
#define PCI_CAP_ID_PM 0x01
#define PCI_CAP_ID_MSI 0x05
#define PCI_CAP_ID_VNDR 0x09
#define PCI_CAP_ID_EXP 0x10
#define PCI_CAP_ID_MSIX 0x11

/* Message signaled interrupts (6.8.1), from the capability on */
#define PCI_MSI_FLAGS 0x02 /* 16 bits: message control */
#define PCI_MSI_FLAGS_ENABLE 0x0001
#define PCI_MSI_FLAGS_64BIT 0x0080
#define PCI_MSI_ADDRESS_LO 0x04 /* 32 bits */
#define PCI_MSI_ADDRESS_HI 0x08 /* 32 bits, with PCI_MSI_FLAGS_64BIT */
#define PCI_MSI_DATA_32 0x08 /* 16 bits, without */
#define PCI_MSI_DATA_64 0x0c /* 16 bits, with */

#endif
