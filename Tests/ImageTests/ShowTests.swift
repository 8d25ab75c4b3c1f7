// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The pager and the connection, which tools start.
struct ShowTests {
  private func image() async throws -> StartedImage {
    let image = try await StartedImage(tools: ["a|user|safe|-|x|A|A|true"])
    try image.standIn("less", "echo \"secure $LESSSECURE\"; cat")
    return image
  }

  @Test func whatACommandSaysStandsUnderAHeading() async throws {
    let outcome = try await image().run(
      "usr/bin/lifeboat-show", "--title", "Two words", "sh", "-c", "echo out; echo err >&2; exit 3")
    #expect(outcome.status == 3)
    #expect(outcome.output.contains("secure 1\n"), "a shell can be started from the pager")
    for text in ["Two words", "\nout\n", "\nerr\n", "did not end as it should"] {
      #expect(outcome.output.contains(text), "\(outcome)")
    }
  }

  @Test func successIsNotRemarkedUpon() async throws {
    let outcome = try await image().run("usr/bin/lifeboat-show", "echo", "a  b")
    #expect(outcome.status == 0 && outcome.output.contains("\na  b\n") && !outcome.output.contains("did not end"))
  }

  /// A pager that was left early is no failure, and what a program prints does not act on the terminal.
  @Test func leavingEarlyIsNoFailure() async throws {
    let image = try await image()
    try image.standIn("less", "head -n 3 >/dev/null")
    let outcome = try await image.run("usr/bin/lifeboat-show", "sh", "-c", "yes | head -n 1000000; kill -PIPE $$")
    #expect(outcome.status == 0, "\(outcome)")
  }

  @Test func whatActsOnTheTerminalIsMadeVisible() async throws {
    let outcome = try await image().run(
      "usr/bin/lifeboat-show", "printf", #"a\033[31mb \302\233c \342\200\256d \303\274\n"#)
    #expect(outcome.output.contains("a?[31mb ?c ?d ü\n"), "\(outcome)")
  }

  @Test func somethingHasToBeShown() async throws {
    let outcome = try await image().run("usr/bin/lifeboat-show")
    #expect(outcome.status == 64 && outcome.errors.contains("usage:"))
  }

  /// Every wired adapter is asked for an address; what is no hardware and what has no cable is not.
  @Test func theWiredAdaptersAreConnected() async throws {
    let image = try await image()
    for name in ["eth0/device/x", "wlan0/device/x", "wlan0/phy80211/x", "lo/mtu"] {
      try image.write("sys/class/net/\(name)", "")
    }
    try image.standIn("ip", "echo \"ip $*\" >>\"$LIFEBOAT_ROOT/done\"")
    try image.standIn(
      "dhclient",
      "echo \"dhclient $*\" >>\"$LIFEBOAT_ROOT/done\"; printf 'eth0\\t00000000\\t01\\n' >>\"$LIFEBOAT_ROOT/proc/net/route\""
    )
    let outcome = try await image.run("usr/bin/lifeboat-network")
    #expect(outcome.status == 0, "\(outcome)")
    #expect(image.done == "ip link set eth0 up\ndhclient -1 eth0\nip -brief address\n", "\(image.done)")
  }

  @Test func theAdapterThatTheSystemComesThroughIsLeftAlone() async throws {
    let image = try await image()
    try image.write("sys/class/net/eth0/device/x", "")
    try image.write("usr/lib/systemd/system/NetworkManager.service", "")
    try image.write("run/lifeboat/stream/interface", "eth0\n")
    for program in ["ip", "dhclient"] { try image.standIn(program, "echo \"\(program) $*\" >>\"$LIFEBOAT_ROOT/done\"") }
    let outcome = try await image.run("usr/bin/lifeboat-network")
    #expect(outcome.status == 0 && outcome.output.contains("eth0 is connected and stays as it is"), "\(outcome)")
    #expect(image.done == "ip -brief address show eth0\n", "\(image.done)")
  }

  @Test func noAddressIsAFailure() async throws {
    let image = try await image()
    try image.write("sys/class/net/eth0/device/x", "")
    for program in ["ip", "dhclient"] { try image.standIn(program, "exit 2") }
    let outcome = try await image.run("usr/bin/lifeboat-network")
    #expect(outcome.status == 1 && outcome.errors.contains("Is the cable connected?"), "\(outcome)")
  }

  @Test func noAdapterIsAFailure() async throws {
    let outcome = try await image().run("usr/bin/lifeboat-network")
    #expect(outcome.status == 1 && outcome.errors.contains("no wired network adapter"), "\(outcome)")
  }
}
