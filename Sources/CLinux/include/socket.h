// SPDX-License-Identifier: GPL-3.0-or-later
// Bound sockets. SwiftNIO's C headers and glibc's module map both define `sockaddr_in`, and a Swift module that imports
// NIO cannot use its members (MemberImportVisibility); SO_BINDTODEVICE has no wrapper in NIO.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// What a socket is to be.
struct linux_socket_wish {
  bool stream;            // TCP; else UDP
  bool broadcast;         // may send to 255.255.255.255
  const char *interface;  // the only interface that it sees and sends on; NULL for all
  uint16_t port;          // 0: the kernel chooses one
};

// Which call failed.
enum linux_socket_step { linux_socket_make, linux_socket_options, linux_socket_interface, linux_socket_bind };

// Makes a socket and binds it to all IPv4 addresses; no program inherits it. A TCP socket may take over the port of
// connections that are ending; a UDP socket never shares its port. Returns the descriptor, or -errno with `step`.
int linux_bound_socket(struct linux_socket_wish wish, enum linux_socket_step *step);

// The port that a socket has, or -errno.
int linux_socket_port(int descriptor);
