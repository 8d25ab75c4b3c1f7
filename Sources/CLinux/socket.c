// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "socket.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int failed(int descriptor) {
  int error = errno;
  close(descriptor);
  return -error;
}

int linux_bound_socket(struct linux_socket_wish wish, enum linux_socket_step *step) {
  *step = linux_socket_make;
  int descriptor = socket(AF_INET, (wish.stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  *step = linux_socket_options;
  int yes = 1;
  if ((wish.stream || wish.overhears) && setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0)
    return failed(descriptor);
  if (wish.broadcast && setsockopt(descriptor, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes) < 0)
    return failed(descriptor);
  // 300 computers that are switched on together ask within a moment, and the usual buffer holds about 200 of their
  // packets. The kernel gives twice what is asked for, up to its limit (socket(7)); less is no reason to give up.
  int room = 4 << 20;
  if (!wish.stream) setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  *step = linux_socket_interface;
  if (wish.interface && setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, wish.interface,
                                   (socklen_t)strlen(wish.interface)) < 0)
    return failed(descriptor);
  *step = linux_socket_bind;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(wish.port)};
  if (wish.overhears) address.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) return failed(descriptor);
  return descriptor;
}

int linux_datagram_socket(uint32_t local) {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(local)};
  return bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 ? failed(descriptor) : descriptor;
}

bool linux_look_for_packet(int descriptor, int64_t end) {
  struct pollfd wish = {.fd = descriptor, .events = POLLIN};
  struct timespec now;
  do {
    if (poll(&wish, 1, 0) != 0) return true;
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec * INT64_C(1000000000) + now.tv_nsec < end);
  return false;
}

int linux_socket_port(int descriptor) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  return getsockname(descriptor, (struct sockaddr *)&address, &size) < 0 ? -errno : ntohs(address.sin_port);
}

int linux_send_datagram(int descriptor, const void *bytes, size_t count, struct linux_datagram_way way) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(way.port)};
  address.sin_addr.s_addr = htonl(way.destination);
  struct iovec piece = {.iov_base = (void *)bytes, .iov_len = count};
  union {
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct cmsghdr aligned;
  } control = {0};
  struct msghdr message = {
      .msg_name = &address,
      .msg_namelen = sizeof address,
      .msg_iov = &piece,
      .msg_iovlen = 1,
      .msg_control = &control,
      .msg_controllen = sizeof control,
  };
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
  struct in_pktinfo info = {.ipi_ifindex = way.interface};
  info.ipi_spec_dst.s_addr = htonl(way.source);
  memcpy(CMSG_DATA(header), &info, sizeof info);
  return sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
