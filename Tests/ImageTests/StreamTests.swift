// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

private let canHaveNetworks = ["busybox", "ip", "perl", "python3", "unshare"].allSatisfy { Tool.isInstalled($0) }

/// When layers stay on the server, and which servers can have them there. The kernel's part is seen by the boot tests.
struct StreamTests {
  private static let data = SourceTests.build.appending("initramfs/lifeboat")

  /// What is decided with a list of two layers of 600 MB, where so much memory is free (KiB).
  private func chooses(free: Int, words: String = "", trees: Int = 2) async throws -> Tool.Outcome {
    let folder = try TemporaryFolder()
    let layers = ["a", "b"].map { "layer \($0).squashfs 600000000 0 layers/\($0).squashfs\n" }
    let lines = ["a", "b"].prefix(trees).map { "verity \($0).squashfs 0 4800000 0 layers/\($0).verity\n" }
    try folder.write("boot", layers.joined() + lines.joined())
    let script = """
      set -u
      lifeboat_say() { printf "$@"; }
      panic() { printf 'panic: %s\\n' "$*"; exit 9; }
      cat() { if [ "$*" = /proc/cmdline ]; then echo 'boot=live \(words) quiet'; else command cat "$@"; fi; }
      . '\(Self.data.appending("network-boot"))'
      . '\(Self.data.appending("network-stream"))'
      lifeboat_available() { echo \(free); }
      lifeboat_boot='\(folder.appending("boot"))'
      lifeboat_check_memory
      echo "streams: $lifeboat_streaming"
      """
    return try await Tool.run("busybox", ["sh", "-c", script])
  }

  @Test(arguments: [
    (2_000_000, "", "streams: "), (1_000_000, "", "streams: yes"), (150_000, "", "streams: yes"),
    (2_000_000, "lifeboat.stream", "streams: yes"), (2_000_000, "lifeboat.stream=no", "streams: "),
  ])
  func memoryOrTheCommandLineDecides(free: Int, words: String, says: String) async throws {
    let outcome = try await chooses(free: free, words: words)
    #expect(outcome.status == 0 && outcome.output == says + "\n", "\(outcome)")
  }

  @Test(arguments: [(1_000_000, "lifeboat.stream=no", 2), (1_000_000, "", 1), (100_000, "", 2)])
  func tooLittleMemory(free: Int, words: String, trees: Int) async throws {
    let outcome = try await chooses(free: free, words: words, trees: trees)
    #expect(outcome.status == 9 && outcome.output.contains("LIFEBOAT-NETWORK FAILED memory"), "\(outcome)")
    #expect(outcome.output.contains("\(free / 1024) MiB are free"))
  }

  @Test(.enabled(if: canHaveNetworks, "needs busybox, iproute2, perl, python3 and network namespaces"))
  func onlyServersThatKnowRanges() async throws {
    let folder = try TemporaryFolder()
    try folder.write("layers/object", [UInt8](repeating: 7, count: 20_000))
    let script = """
      cd '\(folder.path)'
      ip link set lo up
      python3 -m http.server --bind 127.0.0.1 8001 >/dev/null 2>&1 &
      busybox httpd -f -p 127.0.0.1:8002 -h . &
      for port in 1F41 1F42; do
        until grep -q "0100007F:$port 00000000:0000 0A" /proc/net/tcp; do sleep 0.1; done
      done
      for object in layers/object layers/nothing; do
        perl '\(Self.data.appending("stream"))' probe http://127.0.0.1:8000,http://127.0.0.1:8001,http://127.0.0.1:8002 $object
      done
      kill $(jobs -p)
      """
    // The log of the kernel needs root outside of namespaces.
    let outcome = try await Tool.run("unshare", ["-n", "busybox", "sh", "-c", script])
    #expect(outcome.output == "http://127.0.0.1:8002\n\n", "\(outcome)")
  }
}
