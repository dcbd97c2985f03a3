/* SPDX-License-Identifier: BSD-3-Clause */
// In the guest: the kernel takes ESP in UDP (RFC 3948) only at a socket that says so. Holds one of
// each family at a port.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int hold(int family, uint16_t port)
{
	const int on = 1, encap = UDP_ENCAP_ESPINUDP;
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int s = socket(family, SOCK_DGRAM, 0);

	if (s < 0)
		return -1;
	if (family == AF_INET6 && setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -1;
	if (setsockopt(s, IPPROTO_UDP, UDP_ENCAP, &encap, sizeof(encap)))
		return -1;
	return family == AF_INET6 ? bind(s, (struct sockaddr *)&v6, sizeof(v6))
	                          : bind(s, (struct sockaddr *)&v4, sizeof(v4));
}

int main(int argc, char **argv)
{
	const int port = argc == 2 ? atoi(argv[1]) : 0;

	if (port < 1 || port > 65535) {
		fprintf(stderr, "udp_encap PORT\n");
		return 2;
	}
	if (hold(AF_INET, (uint16_t)port) || hold(AF_INET6, (uint16_t)port)) {
		perror("udp_encap");
		return 1;
	}
	if (daemon(0, 0))
		return 1;
	for (;;)
		pause();
}
