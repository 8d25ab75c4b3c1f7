// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// The process that has a port: the kernel says which socket it is, and a process which sockets are its own.
struct PortHolder: Sendable, Hashable, CustomStringConvertible {
  /// The process' number; nil if it is not to be seen by this user.
  var process: Int?
  /// Its program's name.
  var program: String?

  /// `dnsmasq (process 812)`.
  var description: String {
    guard let process else { return "a process that cannot be seen" }
    return "\(program ?? "a program") (process \(process))"
  }

  /// Looks for the holder of a port; nil if nobody has it.
  static func find(_ port: ServicePort) -> PortHolder? {
    let tables = port.isTCP ? ["tcp", "tcp6"] : ["udp", "udp6"]
    let found = Set(
      tables.flatMap { table in
        sockets(in: (try? FileTree.text(of: FilePath("/proc/net/\(table)"))) ?? "", port: port)
      })
    guard !found.isEmpty else { return nil }
    let links = Set(found.map { "socket:[\($0)]" })
    for name in FileTree.names(in: "/proc") {
      guard let process = Int(name) else { continue }
      let folder = FilePath("/proc/\(name)/fd")
      let holds = FileTree.names(in: folder).contains { descriptor in
        FileTree.linkTarget(of: folder.appending(descriptor)).map { links.contains($0) } ?? false
      }
      guard holds else { continue }
      let program = try? FileTree.text(of: FilePath("/proc/\(name)/comm"))
      return PortHolder(process: process, program: program?.split(separator: "\n").first.map(String.init))
    }
    return PortHolder()
  }

  /// The inodes of sockets on a port in the text of `/proc/net/tcp` or `udp` (proc(5)): local address and port in the
  /// second column, the state in the fourth (0A is listening), the inode in the tenth.
  static func sockets(in table: String, port: ServicePort) -> [String] {
    table.split(separator: "\n").dropFirst().compactMap { line in
      let columns = line.split(separator: " ")
      guard columns.count > 9, let number = columns[1].split(separator: ":").last.flatMap({ Int($0, radix: 16) }),
        number == port.number, !port.isTCP || columns[3] == "0A", columns[9] != "0"
      else { return nil }
      return String(columns[9])
    }
  }
}
