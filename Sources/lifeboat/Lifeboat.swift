// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser

@main
struct Lifeboat: AsyncParsableCommand {
  static let version = "0.1.0"
  static let configuration = CommandConfiguration(commandName: "lifeboat", version: "0.1.0")
}
