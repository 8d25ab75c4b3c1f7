// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// What lies in the two folders, as it lies there.
struct SourceTests {
  static let image = StartedImage.resources
  static let build = Repository.path("Sources/SystemLayers/Resources/build")

  /// Every file of both folders that a POSIX shell reads.
  private static func scripts() throws -> [FilePath] {
    try [image, build].flatMap { folder in
      try FileTree.walk(folder).map { folder.appending($0) }.filter { path in
        guard FileTree.kind(of: path) == .file else { return false }
        let text = String(decoding: try FileTree.bytes(of: path).prefix(400), as: UTF8.self)
        return text.hasPrefix("#!/bin/sh\n") || text.contains("# shellcheck shell=sh")
      }
    }
  }

  @Test func shellcheckHasNothingToSay() async throws {
    let scripts = try Self.scripts()
    #expect(scripts.count > 12)
    let outcome = try await Tool.run(
      "shellcheck", ["-s", "sh", "-x"] + scripts.map(\.string), package: "shellcheck")
    #expect(outcome.status == 0, "\(outcome.output)")
  }

  @Test func everyFileSaysItsLicence() throws {
    for folder in [Self.image, Self.build] {
      for name in FileTree.walk(folder) where FileTree.kind(of: folder.appending(name)) == .file {
        // Two files of one word each, which their readers take as they are.
        guard !["etc/hostname", "etc/hosts"].contains(name) else { continue }
        let lines = try FileTree.text(of: folder.appending(name)).split(separator: "\n").prefix(2)
        #expect(lines.contains("# SPDX-License-Identifier: GPL-3.0-or-later"), "\(name)")
      }
    }
  }

  @Test func whatIsStartedCanBeStarted() throws {
    for name in FileTree.walk(Self.image) {
      let path = Self.image.appending(name)
      guard FileTree.kind(of: path) == .file else { continue }
      let isProgram = try FileTree.text(of: path).hasPrefix("#!")
      let permissions = FileTree.status(of: path)?.permissions ?? 0
      #expect((permissions & 0o111 != 0) == isProgram, "\(name)")
    }
  }

  /// No unit gives a shell or a login, whatever the kernel command line asks for.
  @Test(arguments: [
    "system/getty@.service", "system/autovt@.service", "system/serial-getty@.service", "system/console-getty.service",
    "system/debug-shell.service", "system/timers.target", "system/ctrl-alt-del.target",
    "system-generators/systemd-debug-generator",
    "system-generators/systemd-getty-generator", "system-generators/systemd-gpt-auto-generator",
  ])
  func masked(name: String) {
    #expect(FileTree.linkTarget(of: Self.image.appending("etc/systemd/\(name)")) == "/dev/null")
  }

  @Test func emergencyModeHasNoShell() throws {
    for name in ["emergency", "rescue"] {
      let text = try FileTree.text(of: Self.image.appending("etc/systemd/system/\(name).service"))
      #expect(!text.contains("sulogin") && text.contains("/run/lifeboat/trouble"))
    }
  }

  @Test(arguments: [
    ("tty0\n", ["lifeboat-menu@tty1.service"]),
    ("tty0 ttyS0\n", ["lifeboat-menu@tty1.service", "lifeboat-menu@ttyS0.service"]),
    ("ttyS1 hvc0\n", ["lifeboat-menu@hvc0.service", "lifeboat-menu@ttyS1.service"]),
  ])
  func aMenuOnEveryConsole(active: String, units: [String]) async throws {
    let folder = try TemporaryFolder()
    try folder.write("sys/class/tty/console/active", active)
    let generator = Self.image.appending("usr/lib/systemd/system-generators/lifeboat-consoles").string
    let normal = folder.appending("normal")
    let arguments = [normal.string, folder.appending("early").string, folder.appending("late").string]
    let outcome = try await Tool.run(generator, arguments, environment: ["LIFEBOAT_ROOT": folder.path.string])
    #expect(outcome.status == 0, "\(outcome)")
    for target in ["lifeboat", "emergency", "rescue"] {
      #expect(FileTree.names(in: normal.appending("\(target).target.wants")) == units)
    }
  }
}
