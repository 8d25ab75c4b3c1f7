// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import NetworkBoot
import SystemPackage

/// `lifeboat export`.
struct ExportVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Export what Lifeboat serves as files for other servers.",
    discussion: """
      For sites where one computer can no longer serve all that start at once, or that already have other servers.

        lifeboat export netboot --site /srv/lifeboat --to /srv/netboot
      """,
    subcommands: [Netboot.self])

  /// `lifeboat export netboot`.
  struct Netboot: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Write a site's current set as plain files, with the settings of nginx and dnsmasq.",
      discussion: """
        Reads every object and compares it with the signed index, then puts it into the folder objects under the name \
        that computers ask for. nginx.conf serves exactly these names with the media types that firmware needs, \
        dnsmasq.conf sends starting computers there beside the site's DHCP server, and export.json lists size, \
        SHA-256, media type and cache lifetime for object storage. The folder appears whole or not at all; it replaces \
        an earlier export, if nobody has changed that.

          lifeboat export netboot --site /srv/lifeboat --to /srv/netboot
          nginx -p /srv/netboot -c nginx.conf
          dnsmasq --conf-file=/srv/netboot/dnsmasq.conf
        """)

    static let stateAfterInterruption = "The folder is unchanged."

    @Option(help: ArgumentHelp("The folder that lifeboat publish made.", valueName: "folder"), completion: .directory)
    var site: String

    @Option(
      name: .customLong("to"), help: ArgumentHelp("The folder to make.", valueName: "folder"),
      completion: .directory)
    var target: String

    @Option(
      help: ArgumentHelp("The only key to trust. Without it: the site's own, if the site is signed.", valueName: "pub"),
      completion: .file(extensions: ["pub"]))
    var key: String?

    @Option(
      help: ArgumentHelp(
        "Which of the set's servers this export is for. Without it: the first.", valueName: "url"))
    var server: String?

    @Option(help: ArgumentHelp("Which image computers start, if the set has several.", valueName: "name"))
    var image: String?

    @Flag(help: "One JSON document on standard output.") var json = false

    func run(on console: Console) async throws -> ExitStatus {
      var export = StaticExport(site: FilePath(site), to: FilePath(target))
      (export.key, export.server, export.image) = (key.map { FilePath($0) }, server, image)
      let manifest = try await console.withProgress { [export] in try await export.run(progress: $0) }
      if json { try console.printJSON(manifest) } else { text(manifest).forEach(console.print) }
      return .success
    }

    private func text(_ manifest: ExportManifest) -> [String] {
      let rows = manifest.objects.map { [$0.name, $0.size.description, $0.type, $0.cacheControl] }
      let total = manifest.objects.map(\.size).reduce(.zero, +)
      let signature = manifest.signedBy.map { "signed by \($0)" } ?? "NOT SIGNED"
      let count = manifest.objects.count.counted("object")
      return Columns.text(rows).split(separator: "\n").map(String.init) + [
        "\(target): set \(manifest.set) for \(manifest.server), \(count), \(total), \(signature)",
        "try it with: nginx -t -p \(target) -c nginx.conf; dnsmasq --test --conf-file=\(target)/dnsmasq.conf",
      ]
    }
  }
}
