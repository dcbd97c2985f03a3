/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

#include <linux/capability.h>

#include "port_priv.h"

static int wire(void **state)
{
	if (pt_netns()) // a lack shows in the tests, by its name
		pt_run("ip link add wr-a type veth peer name wr-b");
	return 0;
}

static void need_wire(void)
{
	pt_skip_without(pt_netns(), "network namespaces (unshare CLONE_NEWNET)");
	pt_skip_without(if_nametoindex("wr-a") != 0, "veth");
}

static void netdev_flags_follow(void **state)
{
	bool up = true, running = true;

	need_wire();
	assert_true(pt_run("ip link set wr-a down; ip link set wr-b down"));
	assert_true(wr_port_netdev_flags("wr-a", &up, &running));
	assert_false(up);
	assert_false(running);
	assert_true(pt_run("ip link set wr-a up"));
	assert_true(wr_port_netdev_flags("wr-a", &up, &running));
	assert_true(up);
	assert_false(running); // its other end is down
	assert_true(pt_run("ip link set wr-b up"));
	assert_true(wr_port_netdev_flags("wr-a", &up, &running));
	assert_true(running);
	assert_false(wr_port_netdev_flags("wr-none", &up, &running));
}

static void netdev_mtu_read(void **state)
{
	uint32_t mtu = 0;

	need_wire();
	assert_true(wr_port_netdev_mtu("wr-a", &mtu));
	assert_int_equal(mtu, 1500);
	assert_false(wr_port_netdev_mtu("wr-none", &mtu));
}

static void netdev_offloads_named(void **state)
{
	char on[64], tiny[8];

	need_wire();
	assert_true(pt_run("ethtool -K wr-a tx on tso on gso on gro on >/dev/null"));
	wr_port_netdev_offloads("wr-a", on, sizeof(on));
	assert_string_equal(on, "tx tso gso gro");
	wr_port_netdev_offloads("wr-a", tiny, sizeof(tiny));
	assert_string_equal(tiny, "tx tso");
	assert_true(pt_run("ethtool -K wr-a tso off gro off >/dev/null"));
	wr_port_netdev_offloads("wr-a", on, sizeof(on));
	assert_string_equal(on, "tx gso");
	// the very line that the warning gives
	assert_true(
		pt_run("ethtool -K wr-a tx off tso off gso off gro off lro off >/dev/null 2>&1"));
	wr_port_netdev_offloads("wr-a", on, sizeof(on));
	assert_string_equal(on, "");
	wr_port_netdev_offloads("wr-none", on, sizeof(on));
	assert_string_equal(on, "");
}

static int ring_socket(const char *iface, int version)
{
	int fd = pt_socket(iface);

	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)), 0);
	return fd;
}

// Only sockets of the driver's kind on the interface count, not our own ears.
static void netdev_packet_fds_select(void **state)
{
	int ours, other, ear, fds[4];

	need_wire();
	ours = ring_socket("wr-a", TPACKET_V2);
	other = ring_socket("wr-b", TPACKET_V2);
	ear = ring_socket("wr-a", TPACKET_V1);
	assert_int_equal(wr_port_netdev_packet_fds(if_nametoindex("wr-a"), fds, 4), 1);
	assert_int_equal(fds[0], ours);
	assert_int_equal(wr_port_netdev_packet_fds(if_nametoindex("wr-a"), fds, 0), 0);
	close(ours);
	assert_int_equal(wr_port_netdev_packet_fds(if_nametoindex("wr-a"), fds, 4), 0);
	close(other);
	close(ear);
}

static void netdev_packet_loss_resets(void **state)
{
	int fd, far, small = 1;
	uint8_t frame[1400] = {0};
	uint64_t loss;

	need_wire();
	pt_run("ip link set wr-a up; ip link set wr-b up");
	fd = pt_socket("wr-a");
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	far = pt_socket("wr-b");
	memset(frame, 0xff, 6);
	frame[12] = 0x88; // local experimental EtherType 0x88b5 (IEEE 802)
	frame[13] = 0xb5;
	for (int i = 0; i < 50; i++)
		assert_int_equal(send(far, frame, sizeof(frame), 0), sizeof(frame));
	loss = wr_port_netdev_packet_loss(&fd, 1);
	assert_in_range(loss, 1, 50);
	assert_int_equal(wr_port_netdev_packet_loss(&fd, 1), 0);
	assert_int_equal(wr_port_netdev_packet_loss(&fd, 0), 0);
	close(far);
	close(fd);
}

static void netdev_capable_root(void **state)
{
	// changing namespaces needed it, so it is there
	pt_skip_without(pt_netns(), "network namespaces (unshare CLONE_NEWNET)");
	assert_true(wr_port_netdev_capable(CAP_NET_ADMIN));
	assert_false(wr_port_netdev_capable(63)); // no such capability
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netdev_flags_follow),
		cmocka_unit_test(netdev_mtu_read),
		cmocka_unit_test(netdev_offloads_named),
		cmocka_unit_test(netdev_packet_fds_select),
		cmocka_unit_test(netdev_packet_loss_resets),
		cmocka_unit_test(netdev_capable_root),
	};

	return cmocka_run_group_tests(tests, wire, NULL);
}
