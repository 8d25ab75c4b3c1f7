// SPDX-License-Identifier: GPL-3.0-or-later
// Bound sockets. SwiftNIO's C headers and glibc's module map both define `sockaddr_in`, and a Swift module that imports
// NIO cannot use its members (MemberImportVisibility); SO_BINDTODEVICE has no wrapper in NIO.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What a socket is to be.
struct linux_socket_wish {
  bool stream;            // TCP; else UDP
  bool broadcast;         // may send to 255.255.255.255
  const char *interface;  // the only interface that it sees and sends on; NULL for all
  uint16_t port;          // 0: the kernel chooses one
  bool overhears;         // takes what goes to 255.255.255.255 and nothing else, and shares its port
};

// Which call failed.
enum linux_socket_step { linux_socket_make, linux_socket_options, linux_socket_interface, linux_socket_bind };

// Makes a socket and binds it to all IPv4 addresses; no program inherits it. A TCP socket may take over the port of
// connections that are ending; a UDP socket shares its port only if it `overhears`: the kernel gives a broadcast to every
// socket that shares its port so, and a packet for one address to one socket, which then is never this one.
// Returns the descriptor, or -errno with `step`.
int linux_bound_socket(struct linux_socket_wish wish, enum linux_socket_step *step);

// Makes a UDP socket with an address of ours, as a number, and a port that the kernel chooses; no program inherits it.
// Returns the descriptor, or -errno.
int linux_datagram_socket(uint32_t address);

// Whether a socket has something to read, or an error to tell, before the monotonic clock says `end` nanoseconds: asks
// again and again instead of sleeping.
bool linux_look_for_packet(int descriptor, int64_t end);

// The port that a socket has, or -errno.
int linux_socket_port(int descriptor);

// A datagram's way.
struct linux_datagram_way {
  uint32_t destination;  // as a number: 10.0.0.1 is 0x0a000001
  uint16_t port;
  uint32_t source;  // the address of ours that it comes from
  int interface;    // the kernel's number of the interface that it goes out of, whatever the routes say
};

// Sends a datagram through a UDP socket without waiting (ip(7), IP_PKTINFO). NIO reads that, but cannot send with it.
// Returns 0 or -errno.
int linux_send_datagram(int descriptor, const void *bytes, size_t count, struct linux_datagram_way way);
