/* SPDX-License-Identifier: BSD-3-Clause */
#include "box.h"

#define PCI "/sys/bus/pci/devices/0000:3b:00.0"
#define NIC BOX_PORTS("3b:00.0", "", "net_null1", "")

static void nic(struct box *b, const char *driver)
{
	box_file(b, PCI "/vendor", "0x8086\n");
	box_file(b, PCI "/device", "0x1592\n");
	box_file(b, PCI "/numa_node", "1\n");
	if (driver != NULL)
		box_link(b, PCI "/driver", driver);
	else
		box_remove(b, PCI "/driver");
}

static void iommu_vfio_levels(void **state)
{
	struct box *b = *state;

	box_expect(b, doctor_iommu, DOCTOR_PASS, "iommu", "off; no port", "");
	box_expect(b, doctor_vfio, DOCTOR_PASS, "vfio", "not loaded; no port", "");
	box_conf(b, "  workers: [0]", NIC);
	box_file(b, "/proc/cmdline", "quiet intel_iommu=off\n");
	box_expect(b, doctor_iommu, DOCTOR_FAIL, "iommu", "by the kernel's command line",
		"intel_iommu=on iommu=pt");
	box_expect(b, doctor_vfio, DOCTOR_FAIL, "vfio", "not loaded", "modprobe vfio-pci");
	box_file(b, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	box_expect(b, doctor_iommu, DOCTOR_WARN, "iommu", "no-IOMMU mode", "intel_iommu=on");
	box_folder(b, "/sys/class/iommu/dmar0");
	box_file(b, "/proc/cmdline", "intel_iommu=on iommu=pt\n");
	box_expect(b, doctor_iommu, DOCTOR_PASS, "iommu", "on, kernel devices pass", "");
	box_folder(b, "/sys/bus/pci/drivers/vfio-pci");
	box_expect(b, doctor_vfio, DOCTOR_WARN, "vfio", "no /dev/vfio/vfio", "--device /dev/vfio");
	box_file(b, "/dev/vfio/vfio", "");
	box_expect(b, doctor_vfio, DOCTOR_PASS, "vfio", "loaded", "");
}

static void device_pci_levels(void **state)
{
	struct box *b = *state;

	box_conf(b, "  workers: [0]", NIC);
	box_expect(b, doctor_devices, DOCTOR_FAIL, "device", "no PCI device 0000:3b:00.0",
		"bind-nic show");
	nic(b, NULL);
	box_expect(b, doctor_devices, DOCTOR_PASS, "device", "Intel Ethernet 800", "");
	box_expect(b, doctor_devices, DOCTOR_FAIL, "driver", "has no driver",
		"scripts/bind-nic bind 0000:3b:00.0");
	nic(b, "../../../drivers/ice");
	box_expect(b, doctor_devices, DOCTOR_FAIL, "driver", "belongs to ice", "bind-nic bind");
	nic(b, "../../../drivers/uio_pci_generic");
	box_expect(b, doctor_devices, DOCTOR_WARN, "driver", "without the protection", "bind-nic");
	nic(b, "../../../drivers/vfio-pci");
	box_expect(b, doctor_devices, DOCTOR_PASS, "driver", "bound to vfio-pci", "");
	// With another device in its group that the kernel keeps.
	box_link(b, PCI "/iommu_group", "../../../kernel/iommu_groups/7");
	box_folder(b, "/sys/kernel/iommu_groups/7/devices/0000:3b:00.0");
	box_folder(b, "/sys/kernel/iommu_groups/7/devices/0000:3b:00.1");
	box_link(b, "/sys/bus/pci/devices/0000:3b:00.1/driver", "../drivers/ice");
	box_expect(b, doctor_devices, DOCTOR_FAIL, "driver", "group 7 with 0000:3b:00.1",
		"bind 0000:3b:00.1");
	box_link(b, "/sys/bus/pci/devices/0000:3b:00.1/driver", "../drivers/vfio-pci");
	box_expect(b, doctor_devices, DOCTOR_PASS, "driver", "bound to vfio-pci", "");
	// One that keeps its driver, and one that nobody knows.
	box_file(b, PCI "/vendor", "0x15b3\n");
	box_expect(b, doctor_devices, DOCTOR_FAIL, "driver", "it needs mlx5_core", "give-back");
	nic(b, "../../../drivers/mlx5_core");
	box_file(b, PCI "/vendor", "0x15b3\n");
	box_expect(b, doctor_devices, DOCTOR_PASS, "driver", "bound to mlx5_core", "");
	box_file(b, PCI "/vendor", "0xabcd\n");
	box_expect(b, doctor_devices, DOCTOR_WARN, "profile", "no file of drivers-config",
		"README.md");
}

static void device_virtual_levels(void **state)
{
	struct box *b = *state;

	box_conf(b, "  workers: [0]",
		BOX_PORTS("net_af_packet0,iface=wan0", "", "net_tap0,iface=t0", ""));
	box_expect(b, doctor_devices, DOCTOR_FAIL, "device", "no interface wan0", "ip -br link");
	box_file(b, "/sys/class/net/wan0/flags", "0x1002\n");
	box_expect(b, doctor_devices, DOCTOR_WARN, "device", "wan0 is down", "ip link set wan0 up");
	box_file(b, "/sys/class/net/wan0/flags", "0x1003\n");
	box_expect(b, doctor_devices, DOCTOR_PASS, "device", "wan0 is there and up", "");
	box_expect(b, doctor_devices, DOCTOR_FAIL, "device", "no /dev/net/tun", "modprobe tun");
	box_file(b, "/dev/net/tun", "");
	box_expect(b, doctor_devices, DOCTOR_PASS, "device", "/dev/net/tun is there", "");
	box_folder(b, "/sys/class/net/t0");
	box_expect(b, doctor_devices, DOCTOR_WARN, "device", "t0 is there already", "ip link del");
	box_conf(b, "  workers: [0]",
		BOX_PORTS("net_memif0,socket=/run/m/a.sock,role=server", "", "net_null1", ""));
	box_expect(b, doctor_devices, DOCTOR_FAIL, "device", "no directory /run/m", "mkdir -p");
	box_folder(b, "/run/m");
	box_expect(b, doctor_devices, DOCTOR_PASS, "device", "/run/m for its socket", "");
}

static void numa_levels(void **state)
{
	struct box *b = *state;

	nic(b, NULL);
	box_file(b, "/sys/devices/system/node/node0/cpulist", "0-3\n");
	box_file(b, "/sys/devices/system/node/node1/cpulist", "4-7\n");
	box_conf(b, "  workers: [1, 5]", NIC);
	box_expect(b, doctor_nodes, DOCTOR_WARN, "numa", "1 of 2 workers", "from 4-7");
	box_expect(b, doctor_nodes, DOCTOR_PASS, "numa", "lan is on no particular node", "");
	box_conf(b, "  workers: [4, 5]", NIC);
	box_expect(b, doctor_nodes, DOCTOR_PASS, "numa", "are on node 1", "");
}

static void queues_levels(void **state)
{
	struct box *b = *state;

	nic(b, NULL);
	box_conf(b, "  workers: [1, 2]", NIC);
	box_expect(b, doctor_queues, DOCTOR_PASS, "queues", "up to 32 RX queues by RSS", "");
	box_expect(b, doctor_queues, DOCTOR_WARN, "queues", "lan: 1 of 2 workers", "1 CPUs");
	box_conf(b, "  workers: [1, 2]",
		BOX_PORTS("3b:00.0", ", queues: 3", "net_null1", ", queues: 2"));
	box_expect(b, doctor_queues, DOCTOR_FAIL, "queues", "3 queues for 2 workers", "queues: 2");
	box_expect(
		b, doctor_queues, DOCTOR_FAIL, "queues", "2 queues asked for, 1 is", "queues: 1");
	box_conf(b, "  workers: [1]", BOX_PORTS("net_af_xdp0,iface=x0", "", "net_null1", ""));
	box_folder(b, "/sys/class/net/x0/queues/rx-0");
	box_expect(b, doctor_queues, DOCTOR_PASS, "queues", "wan: up to 1 RX", "");
	box_folder(b, "/sys/class/net/x0/queues/rx-1");
	box_expect(b, doctor_queues, DOCTOR_FAIL, "queues", "over 2 queues",
		"ethtool -L x0 combined 1");
}

static void mtu_levels(void **state)
{
	struct box *b = *state;

	box_conf(b, "  workers: [1]", BOX_PORTS("net_af_packet0,iface=a0", "", "net_null1", ""));
	box_file(b, "/sys/class/net/a0/mtu", "1500\n");
	box_expect(b, doctor_mtu, DOCTOR_PASS, "mtu", "port wan: 1500", "");
	box_file(b, "/sys/class/net/a0/mtu", "1400\n");
	box_expect(b, doctor_mtu, DOCTOR_FAIL, "mtu", "has 1400", "ip link set a0 mtu 1500");
	box_file(b, "/sys/class/net/a0/mtu", "9000\n");
	box_expect(b, doctor_mtu, DOCTOR_WARN, "mtu", "has 9000", "ip link set a0 mtu 1500");
	box_conf(b, "  workers: [1]",
		BOX_PORTS("net_af_packet0,iface=a0", ", mtu: 9000", "net_null1", ""));
	box_expect(b, doctor_mtu, DOCTOR_FAIL, "mtu", "carries 1500 at most", "mtu: 1500");
	box_expect(b, doctor_mtu, DOCTOR_WARN, "mtu",
		"service web comes in by port wan with MTU 9000, its backend b1", "mtu: 1500");
}

static void offloads_levels(void **state)
{
	struct box *b = *state;

	box_conf(b, "  workers: [1]", BOX_PORTS("net_af_packet0,iface=v0", "", "net_null1", ""));
	box_file(b, "/sys/class/net/v0/ifindex", "4\n");
	box_file(b, "/sys/class/net/v0/iflink", "9\n");
	box_expect(b, doctor_offloads, DOCTOR_PASS, "offloads", "v0 has none on; its peer", "");
	box_offloads_of[0] = "v0";
	box_offloads_of[1] = "tx tso";
	box_expect(b, doctor_offloads, DOCTOR_WARN, "offloads", "another namespace",
		"ethtool -K v0 tx off tso off gso off gro off (and");
	// The peer in sight.
	box_file(b, "/sys/class/net/v1/ifindex", "9\n");
	box_file(b, "/sys/class/net/v1/iflink", "4\n");
	box_expect(
		b, doctor_offloads, DOCTOR_WARN, "offloads", "v0 has tx tso on", "ethtool -K v0");
	box_offloads_of[0] = "v1";
	box_expect(b, doctor_offloads, DOCTOR_FAIL, "offloads", "v1, the peer of v0, has tx tso",
		"ethtool -K v1 tx off");
	box_offloads_of[0] = NULL;
	box_expect(b, doctor_offloads, DOCTOR_PASS, "offloads", "v0 has none on", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(iommu_vfio_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(device_pci_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(device_virtual_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(numa_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(queues_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(mtu_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(offloads_levels, box_make, box_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
