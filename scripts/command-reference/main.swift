// SPDX-License-Identifier: GPL-3.0-or-later
import FoundationEssentials

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

// lifeboat --experimental-dump-help | command-reference markdown
// lifeboat --experimental-dump-help | command-reference names
// lifeboat --experimental-dump-help | command-reference manual lifeboat-build

func fail(_ message: String) -> Never {
  fputs("command-reference: \(message)\n", stderr)
  exit(64)
}

var input: [UInt8] = []
while let line = readLine(strippingNewline: false) { input += Array(line.utf8) }
guard let tree = try? JSONDecoder().decode(CommandTree.self, from: Data(input)) else {
  fail("standard input is not the dumped help of a command")
}

let arguments = CommandLine.arguments.dropFirst()
switch (arguments.first, arguments.dropFirst().first) {
case ("markdown"?, nil): print(MarkdownReference(tree: tree).text, terminator: "")
case ("names"?, nil): ManualPage.pages(of: tree).forEach { print($0.name) }
case ("manual"?, let name?):
  guard let page = ManualPage.pages(of: tree).first(where: { $0.name == name }) else { fail("no page \(name)") }
  print(page.text, terminator: "")
default: fail("usage: command-reference markdown|names|manual PAGE")
}
