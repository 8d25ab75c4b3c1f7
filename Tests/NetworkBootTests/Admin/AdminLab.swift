// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport

@testable import NetworkBoot

/// A service with a policy, a state folder and an admin socket, all in one temporary folder that everybody may enter.
final class AdminLab: Sendable {
  static let mac = "525400000001"
  static let card = "52:54:00:00:00:01"
  static let uuid = "4c4c4544-0042-3510-8054-b4c04f4d3732"

  let site: TestSite
  let folder: TemporaryFolder

  var socket: FilePath { folder.appending("admin.sock") }
  var state: FilePath { folder.appending("state") }
  var policy: FilePath { folder.appending("policy.toml") }

  init(_ policy: String = "answer = \"approve\"\nimage = \"demo\"") throws {
    site = try TestSite()
    folder = try TemporaryFolder()
    try FileTree.setPermissions(folder.path, 0o755)
    try publish(1, images: ["demo", "other"])
    try write(policy)
  }

  /// A set with a loader and two layers.
  func publish(_ number: Int, images: [String]) throws {
    try site.publish(
      number,
      [
        .init(name: "boot/demo.iso", bytes: TestSite.bytes(300_000)),
        .init(name: "layers/a", bytes: TestSite.bytes(200_000, seed: 2)),
        .init(name: "layers/b", bytes: TestSite.bytes(100_000, seed: 3)),
      ],
      entries: ["uefi-http": "boot/demo.iso"], images: images, layers: ["layers/a", "layers/b"])
  }

  /// Writes the policy, all but its first line.
  func write(_ policy: String) throws { try folder.write("policy.toml", "lifeboat-serve = 1\n\(policy)\n") }

  /// Serves while `body` runs.
  func serve<Result: Sendable>(
    _ change: (inout BootService.Options) -> Void = { _ in },
    _ body: @escaping @Sendable (TestService) async throws -> Result
  ) async throws -> Result {
    let change: (inout BootService.Options) -> Void = { [self] options in
      (options.policy, options.state, options.admin) = (policy, state, socket)
      change(&options)
    }
    return try await TestService.with(site, change, body)
  }

  /// What a started system is told, with its status.
  func ask(
    _ service: TestService, image: String = "demo", mac: String = mac, uuid: String = uuid
  ) async throws -> String {
    let url = service.url("admission/\(image)/\(mac)/\(uuid)")
    return try await service.curl("--write-out", "%{http_code}", url).output.replacing("\n", with: " ")
  }

  /// The number that it is told to wait with.
  func number(_ service: TestService, mac: String = mac) async throws -> String {
    let words = try await ask(service, mac: mac).split(separator: " ").map(String.init)
    guard words.count == 3, words[0] == "wait", words[2] == "200" else { throw NoNumber(words: words) }
    return words[1]
  }

  struct NoNumber: Error { var words: [String] }

  /// Runs `lifeboat clients`.
  func clients(_ words: String...) async throws -> Tool.Outcome {
    try await Repository.lifeboat(["clients"] + words + ["--admin", socket.string])
  }

  /// Asks the admin plane as an ordinary user with some groups.
  func curl(as user: Int, groups: String, _ words: [String], _ target: String) async throws -> Tool.Outcome {
    let groups = groups.isEmpty ? ["--clear-groups"] : ["--groups", groups]
    return try await Tool.run(
      "setpriv",
      ["--reuid", "\(user)", "--regid", "\(user)"] + groups
        + ["curl", "--silent", "--max-time", "30", "--unix-socket", socket.string] + words
        + ["http://lifeboat\(target)"])
  }

  /// The record so far.
  func audit(_ file: FilePath? = nil) throws -> [[String: String]] {
    let text = try FileTree.text(of: file ?? state.appending("audit.jsonl"))
    return try text.split(separator: "\n").map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
      return object.mapValues { "\($0)" }
    }
  }
}
