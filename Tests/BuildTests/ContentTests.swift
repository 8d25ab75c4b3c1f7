// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension Builds {
  /// What is in the layers of a medium, as osirrox and unsquashfs read it.
  @Suite struct Layers {
    /// The layers of a medium in a folder, and their files.
    private struct Extracted {
      let folder: TemporaryFolder
      /// Paths without a leading slash, with what `ls -l` says of them; those of upper layers replace lower ones.
      var files: [String: (layer: String, mode: String, owner: String)] = [:]
      /// The mode of each layer's top folder: that of the uppermost is `/`.
      var tops: [String: String] = [:]

      init(_ medium: FilePath) async throws {
        folder = try TemporaryFolder()
        try await ExternalCommand(
          "osirrox", ["-indev", medium.string, "-extract", "/lifeboat", folder.appending("lifeboat").string]
        ).run()
        for layer in FileTree.walk(folder.path).filter({ $0.hasSuffix(".squashfs") }).sorted() {
          let listing = try await Tool.run("unsquashfs", ["-lln", folder.appending(layer).string])
          for line in listing.lines {
            if line.hasSuffix(" squashfs-root") { tops[layer] = String(line.prefix(10)) }
            guard let range = line.firstRange(of: /squashfs-root\/.*/) else { continue }
            let name = line[range].dropFirst("squashfs-root/".count)
            // A link is shown with where it leads.
            let path = String(name.firstRange(of: " -> ").map { name[..<$0.lowerBound] } ?? name)
            let words = line.split(separator: " ")
            files[path] = (layer, String(words[0]), String(words[1]))
          }
        }
      }

      func text(_ path: String) async throws -> String {
        let layer = try #require(files[path]?.layer, "\(path)")
        return try await Tool.run("unsquashfs", ["-cat", folder.appending(layer).string, path]).output
      }
    }

    private static let manifest = Manifests.aid(more: [
      #"locale = "en_GB.UTF-8""#, #"keyboard = "gb""#, #"time-zone = "Europe/London""#,
      #"packages = ["openssh-server"]"#, #"hooks = ["hooks/10-mark", "hooks/20-count"]"#,
      #"files = { "etc/motd" = "files/motd", "usr/local/bin/hello" = "files/hello" }"#,
    ])

    @Test func theyHoldWhatTheManifestAsksForAndNothingOfTheHost() async throws {
      let workplace = try await ReferenceBuild.shared.workplace(manifest: Self.manifest)
      try workplace.folder.writeScript(
        "hooks/10-mark",
        "set -e\nhostname -f >/dev/null 2>&1 || :\nid -u >/etc/mark\nls /sys/class/net >>/etc/mark || :")
      try workplace.folder.writeScript(
        "hooks/20-count",
        "cat /etc/mark /etc/motd >/etc/count; rm /usr/bin/pv; echo garbage >/var/log/hook.log; echo x >/tmp/hook")
      try workplace.folder.write("files/motd", "Contoso\n")
      try workplace.folder.writeScript("files/hello", "echo hello")
      let run = try await workplace.build(["--allow-incomplete-suites"], online: true)
      try #require(run.status == 0, "\(run)")
      let content = try await Extracted(workplace.medium)
      let files = content.files
      #expect(content.tops.count >= 3 && Set(content.tops.values) == ["drwxr-xr-x"], "\(content.tops)")

      // Hooks ran in order, as root, in the system with its files, and what they removed is hidden.
      #expect(try await content.text("etc/count").hasPrefix("0\n"))
      #expect(try await content.text("etc/count").hasSuffix("Contoso\n"))
      #expect(files["usr/bin/pv"]?.mode.hasPrefix("c") == true, "a whiteout")
      #expect(files["var/log/hook.log"] == nil && files["tmp/hook"] == nil)
      #expect(files["usr/local/bin/hello"]?.mode == "-rwxr-xr-x")
      #expect(files["usr/local/bin/hello"]?.owner == "0/0")
      #expect(files["etc/motd"]?.mode == "-rw-r--r--")

      // Settings.
      #expect(try await content.text("etc/default/locale") == "LANG=en_GB.UTF-8\n")
      #expect(try await content.text("etc/default/keyboard").contains("XKBLAYOUT=gb\n"))
      #expect(try await content.text("etc/timezone") == "Europe/London\n")
      #expect(files["usr/lib/locale/en_GB.utf8/LC_CTYPE"] != nil)
      #expect(files["etc/console-setup/cached_UTF-8_del.kmap.gz"] != nil)
      #expect(files["etc/localtime"]?.mode.hasPrefix("l") == true)

      // Licences stay, other documents and other languages do not.
      let documents = files.keys.filter { $0.hasPrefix("usr/share/doc/") && files[$0]?.mode.hasPrefix("-") == true }
      #expect(documents.contains("usr/share/doc/pv/copyright") && documents.contains("usr/share/doc/bash/copyright"))
      #expect(documents.filter { !$0.hasSuffix("/copyright") } == [])
      #expect(files.keys.filter { $0.hasPrefix("usr/share/man/man") && $0.hasSuffix(".gz") } == [])
      #expect(files["usr/share/locale/de/LC_MESSAGES/bash.mo"] == nil)

      // Nothing of one machine or moment.
      #expect(files["usr/sbin/sshd"] != nil)
      #expect(files.keys.filter { $0.hasPrefix("etc/ssh/ssh_host_") } == [])
      #expect(try await content.text("etc/machine-id") == "")
      for folder in ["var/lib/apt/lists/", "var/cache/apt/", "var/log/", "tmp/", "run/", "root/.", "var/tmp/"] {
        let found = files.filter { $0.key.hasPrefix(folder) && $0.value.mode.hasPrefix("-") }.keys
        #expect(found.filter { $0 != "root/.bashrc" && $0 != "root/.profile" } == [], "\(folder)")
      }
      #expect(files.keys.filter { $0.hasPrefix("etc/apt/sources.list") && $0.hasSuffix(".list") } == [])
      #expect(files["usr/sbin/policy-rc.d"] == nil)
      #expect(files.values.allSatisfy { !$0.owner.contains("65534") }, "files that belong to nobody")
    }
  }
}
