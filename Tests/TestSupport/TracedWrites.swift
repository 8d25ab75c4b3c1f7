// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
public import SystemPackage

/// A program whose writes to one file are counted one by one, and which is killed right behind one of them: in every run
/// at the same place, however slow the computer is.
public enum TracedWrites {
  /// How a run ended.
  public struct Outcome: Sendable {
    /// 137 where it was killed.
    public var status: Int32
    /// How many writes there were.
    public var count: Int
  }

  /// Runs a program to its end, or to its death by SIGKILL.
  /// - Parameters:
  ///   - words: the program and its arguments; what it says is not kept.
  ///   - path: the file, by the name under which the kernel knows it.
  ///   - count: behind which write it is killed; nil: never.
  public static func run(
    _ words: [String], to path: FilePath, killedAfter count: Int? = nil, environment: [String: String] = [:]
  ) async throws -> Outcome {
    let folder = try TemporaryFolder()
    let strace = try Tool.require("strace", package: "strace")
    let outcome = try await Tool.run(
      "sh",
      ["-c", script, strace, path.string, count.map(String.init) ?? "", folder.appending("calls").string] + words,
      environment: environment)
    guard let writes = Int(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw NotTraced(outcome: outcome)
    }
    return Outcome(status: outcome.status, count: writes)
  }

  /// strace did not do its work: tracing may be forbidden here.
  public struct NotTraced: Error { public var outcome: Tool.Outcome }

  /// Each write stops the program, whichever of its threads it is, until its line has been read.
  private static let script = """
    path=$1 last=$2 calls=$3
    shift 3
    mkfifo "$calls"
    "$0" -f -qq -o "$calls" -P "$path" -e signal=none -e trace=write,pwrite64 \\
      -e inject=write,pwrite64:signal=SIGSTOP "$@" >/dev/null &
    count=0
    while read -r thread call; do
      case $call in *write*) count=$((count + 1)) ;; *) continue ;; esac
      if [ "$count" = "$last" ]; then kill -KILL "$thread"; else kill -CONT "$thread"; fi
    done <"$calls"
    wait $!
    status=$?
    echo "$count"
    exit $status
    """
}
