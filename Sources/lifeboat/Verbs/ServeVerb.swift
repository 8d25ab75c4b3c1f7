// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import NetworkBoot
import SystemPackage

/// `lifeboat serve`.
struct ServeVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Start computers from the network.",
    discussion: """
      Serves the current set of a site by HTTP and TFTP, and tells starting computers about it beside the site's DHCP \
      server, which it does not touch. It runs until it is interrupted, switches when another set is published, and \
      logs one line for each event. Ports below 1024 need root or CAP_NET_BIND_SERVICE.

      It first asks on the network who else answers starting computers, and keeps silent where another boot server \
      does. --check only asks; with --mode site it says whether the site's server sends each kind of computer here.

      PXE of x64 UEFI follows no proxy. --shadow reply answers it, in the shape of BOOTP, with the address that the \
      site's server has just offered; --shadow commit also asks that server for the address in the computer's name, so \
      that nobody else gets it. This has been seen to work with EDK2 firmware alone; without it such computers are \
      sent on to their HTTP boot entry.

      With --mode site the site's DHCP server names the boot files, and serve prints the settings for it. With --mode \
      full this is the only DHCP server of an isolated network: it gives addresses itself, on the one interface that \
      you name, does not start where another server gives addresses, and stops giving them when one appears.

      A policy file (--policy) says which computers are answered, and with which image; serve reads it again when it \
      changes. "lifeboat clients" shows the computers and approves them.

        sudo lifeboat serve --site /srv/lifeboat
        sudo lifeboat serve --site /srv/lifeboat --check
        sudo lifeboat serve --site /srv/lifeboat --policy /etc/lifeboat/policy.toml
        sudo lifeboat serve --site /srv/lifeboat --mode full --interface eth1
        lifeboat serve --site /srv/lifeboat --mode site --dry-run
      """)

  static let stateAfterInterruption = "Nothing was served."

  @Option(help: ArgumentHelp("The folder that lifeboat publish made.", valueName: "folder"), completion: .directory)
  var site: String

  @Option(
    help: ArgumentHelp("The only key to trust. Without it: the site's own, if the site is signed.", valueName: "pub"),
    completion: .file(extensions: ["pub"]))
  var key: String?

  @Option(
    name: .customLong("interface"),
    help: ArgumentHelp(
      "The network interface to serve; repeat it for several. Without it: all but loopback.", valueName: "name"))
  var interfaces: [String] = []

  @Option(help: "Beside the site's DHCP server, named by it, or as the only one of a network.")
  var mode = BootService.Mode.proxy

  @Option(
    help:
      "Answer PXE of x64 UEFI with the address that the site's server offers; commit also asks for that address. Without it: as the policy says, or never."
  )
  var shadow: BootService.Shadow?

  @Option(
    help: ArgumentHelp(
      "With --mode full: the addresses to give. Without it: the upper half of the subnet.", valueName: "first-last"))
  var pool: String?

  @Option(help: ArgumentHelp("Which image computers start, if the set has several.", valueName: "name"))
  var image: String?

  @Option(help: ArgumentHelp("The TCP port of HTTP.", valueName: "port")) var httpPort = 80

  @Option(help: ArgumentHelp("The UDP port of TFTP; firmware asks no port but 69.", valueName: "port"))
  var tftpPort = 69

  @Option(
    help: ArgumentHelp("Who is answered, and with which image. Without it: everybody.", valueName: "file"),
    completion: .file(extensions: ["toml"]))
  var policy: String?

  @Option(
    help: ArgumentHelp(
      "Where to keep the orders about computers. Without it: $STATE_DIRECTORY, or /var/lib/lifeboat.",
      valueName: "folder"), completion: .directory)
  var state: String?

  @Option(
    help: ArgumentHelp(
      "The socket for lifeboat clients. Without it: admin.sock in $RUNTIME_DIRECTORY, or in /run/lifeboat.",
      valueName: "socket"), completion: .file())
  var admin: String?

  @Option(
    help: ArgumentHelp("A group whose members may use that socket; overrides the policy's.", valueName: "group"))
  var adminGroup: String?

  @Option(
    help: ArgumentHelp(
      "The record of what happened. Without it: audit.jsonl in the folder of --state.", valueName: "file"),
    completion: .file())
  var audit: String?

  @Option(
    help: ArgumentHelp(
      "How long to ask on the network, at the start, who else answers computers: firmware waits 4 seconds. 0 asks nobody; --mode full never asks for less than 4.",
      valueName: "seconds")) var wait = 4.0

  @Flag(name: .customLong("dry-run"), help: "Only say what would be served, to whom and why.") var isDryRun = false
  @Flag(help: "Only say who else answers starting computers on the network, and what each kind would get.")
  var check = false

  @Flag(help: "One JSON document on standard output; while serving, one line of JSON for each event.") var json = false

  func validate() throws {
    for port in [httpPort, tftpPort] where !(0...65535).contains(port) {
      throw ValidationError("A port is a number from 0 to 65535.")
    }
    if let shadow, shadow != .never, mode != .proxy {
      throw ValidationError("--shadow needs --mode proxy: it works beside the site's DHCP server.")
    }
    if mode == .full, interfaces.count != 1 {
      throw ValidationError("--mode full gives addresses on one network: name its interface with --interface.")
    }
    guard (0...60).contains(wait) else { throw ValidationError("--wait takes 0 to 60 seconds.") }
    if check, wait == 0 { throw ValidationError("--check asks on the network: give --wait more than 0.") }
    if pool != nil, mode != .full { throw ValidationError("--pool needs --mode full.") }
  }

  func run(on console: Console) async throws -> ExitStatus {
    let service = BootService(options(console.environment))
    if isDryRun {
      let plan = try await service.plan()
      if json { try console.printJSON(plan) } else { plan.lines.forEach(console.print) }
      return .success
    }
    if check { return try await check(service, console) }
    let log = ServiceLog(console, json: json)
    try await service.run(onEvent: { log.tell($0) }, whenReady: { log.begin($0) })
    log.end()
    return .success
  }

  private func check(_ service: BootService, _ console: Console) async throws -> ExitStatus {
    let outcome = CheckedWires(try await service.check())
    if json { try console.printJSON(outcome) } else { outcome.lines.forEach(console.print) }
    return .success
  }

  private func options(_ environment: [String: String]) -> BootService.Options {
    var options = BootService.Options(site: FilePath(site))
    let places = ServicePlaces(environment)
    options.policy = policy.map { FilePath($0) }
    (options.state, options.needsState) = (state.map { FilePath($0) } ?? places.state, state != nil)
    (options.admin, options.needsAdmin) = (admin.map { FilePath($0) } ?? places.admin, admin != nil)
    options.adminGroup = adminGroup
    options.audit = audit.map { FilePath($0) }
    options.key = key.map { FilePath($0) }
    options.interfaces = interfaces
    options.mode = mode
    options.shadow = shadow
    options.pool = pool
    options.image = image
    options.httpPort = httpPort
    options.tftpPort = tftpPort
    options.wait = .seconds(wait)
    return options
  }
}
