// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport

/// The image's files in a folder that its programs take for `/`, with stand-ins for what the host must not do.
///
/// `whiptail` writes down what it was asked to show and gives the next of the prepared answers.
final class StartedImage: Sendable {
  static let resources = Repository.path("Sources/SystemLayers/Resources/image")
  static let identifier = "00112233445566ff"
  static let mediumPath = "lifeboat/\(identifier)/x64"

  private let folder: TemporaryFolder
  var root: FilePath { folder.path }

  /// - Parameter tools: lines of tools.tsv, with `|` in the place of tabs.
  init(tools: [String], title: String = "First aid") async throws {
    folder = try TemporaryFolder()
    try await ExternalCommand("cp", ["-a", Self.resources.string + "/.", folder.path.string]).run()
    try folder.write(
      "usr/lib/lifeboat/tools.tsv", tools.map { $0.replacing("|", with: "\t") + "\n" }.joined())
    try facts(title: title)
    try write("proc/cmdline", "boot=live live-media-path=/\(Self.mediumPath) lifeboat.id=\(Self.identifier) quiet\n")
    try write("proc/self/mounts", "proc /proc proc rw 0 0\n/dev/sr0 /run/live/medium iso9660 ro 0 0\n")
    try write("proc/net/route", "Iface\tDestination\tGateway\n")
    try write("sys/class/tty/console/active", "tty0 ttyS0\n")
    for name in ["dev", "run", "etc/console-setup"] { try FileTree.makeFolder(root.appending(name)) }
    try standIn(
      "whiptail",
      """
      printf '%s\\n' "$*" >>"$LIFEBOAT_ROOT/boxes"
      answer=$(head -n 1 "$LIFEBOAT_ROOT/answers" 2>/dev/null) && [ -n "$answer" ] || exit 255
      sed -i 1d "$LIFEBOAT_ROOT/answers"
      case " $* " in *" --output-fd 3 "*) printf %s "${answer#* }" >&3 ;; esac
      exit "${answer%% *}"
      """)
    for program in ["systemctl", "umount"] { try standIn(program, "echo \"\(program) $*\" >>\"$LIFEBOAT_ROOT/done\"") }
    try standIn("sleep", "exit 0")
  }

  func facts(title: String = "First aid", expires: String = "2099-12-31") throws {
    let title = title.replacing("\"", with: "\\\"")
    try write(
      "usr/lib/lifeboat/image.json",
      """
      {
        "architecture" : "x64",
        "expires" : "\(expires)",
        "image" : "tier1",
        "release" : "bookworm",
        "title" : "\(title)"
      }

      """)
  }

  func write(_ path: String, _ text: String) throws { try folder.write(path, text) }
  func write(_ path: String, _ bytes: [UInt8]) throws { try folder.write(path, bytes) }
  func standIn(_ program: String, _ script: String) throws { try folder.writeScript("stand-ins/\(program)", script) }

  /// What the user will answer: an exit status, and the tag that is chosen.
  func answer(_ answers: String...) throws { try write("answers", answers.map { $0 + "\n" }.joined()) }

  func run(_ program: String, _ arguments: String..., environment: [String: String] = [:]) async throws
    -> Tool.Outcome
  {
    try await run(program, arguments, environment: environment)
  }

  func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) async throws
    -> Tool.Outcome
  {
    let path = "\(root.appending("stand-ins")):\(HostEnvironment["PATH"] ?? "/usr/bin:/bin"):/usr/sbin:/sbin"
    return try await Tool.run(
      root.appending(program).string, arguments,
      environment: ["LIFEBOAT_ROOT": root.string, "PATH": path, "HOME": root.string].merging(environment) { $1 })
  }

  func text(_ path: String) -> String { (try? FileTree.text(of: root.appending(path))) ?? "" }
  /// What was shown.
  var boxes: String { text("boxes") }
  /// Which stand-ins were called.
  var done: String { text("done") }
}
