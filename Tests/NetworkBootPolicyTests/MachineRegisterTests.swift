// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap
import NetworkBootProtocol
import Testing

@testable import NetworkBootPolicy

@Suite("Machines") struct MachineRegisterTests {
  private let uuid = MachineUUID("4c4c4544-0042-3510-8054-b4c04f4d3732")

  private func machine(_ number: Int, _ uuid: MachineUUID? = nil) -> Claimant {
    let bytes = [0x52, 0x54, 0, UInt8(number >> 16 & 0xff), UInt8(number >> 8 & 0xff), UInt8(number & 0xff)]
    return Claimant(
      hardware: HardwareAddress(bytes: bytes)!, machine: uuid, kind: .x64HTTP,
      interface: "eth0", link: IPv4Address(0x0a42_0002))
  }

  private func address(_ number: Int) -> IPv4Address { IPv4Address(0x0a42_0000 + UInt32(number)) }

  private func wait(
    _ register: inout MachineRegister, _ number: Int, from: Int? = nil, at now: Int64 = 0
  ) -> AdmissionReply? {
    register.asked(machine(number), from: address(from ?? number), started: "tier1", .wait, at: now)?.reply
  }

  @Test("from the first packet to the last layer") func way() {
    var register = MachineRegister()
    let client = machine(1, uuid)
    let layers = [MediumLayers(["layers/a", "layers/b"]), MediumLayers(["layers/c"])]
    func stage() -> SeenMachine.Stage? { register.machine(client.hardware, uuid)?.stage }
    let news = [0, 4, 70].map { register.offered("boot/tier1.iso", image: "tier1", to: client, at: $0) }
    #expect(news == [true, false, true], "firmware repeats itself for a minute")
    register.tie(client.hardware, nil, to: address(9))
    register.began("boot/tier1.iso", isLayer: false, at: address(9), now: 5)
    #expect(stage() == .loading)
    register.took(1000, of: "boot/tier1.iso", whole: true, layers: layers, at: address(9), now: 6)
    let asked = register.asked(client, from: address(10), started: "tier1", .go, at: 7)
    #expect(asked?.reply == .go)
    #expect(stage() == .fetching)
    for (name, expected) in [("layers/a", SeenMachine.Stage.fetching), ("layers/b", .ready)] {
      register.began(name, isLayer: true, at: address(10), now: 8)
      register.took(500, of: name, whole: true, layers: layers, at: address(10), now: 9)
      #expect(stage() == expected)
    }
    #expect(register.machine(at: address(10))?.bytes == 2000 && register.machine(at: address(9)) == nil)
    register.offered("boot/tier1.iso", image: "tier1", to: client, at: 200)
    #expect(stage() == .offered && register.machine(client.hardware, uuid)?.bytes == 0)
  }

  @Test("a machine whose layers stay on the server is ready when it reads each through its hash tree") func streams() {
    var register = MachineRegister()
    let client = machine(1, uuid)
    let layers = [
      MediumLayers(["layers/c"]),
      MediumLayers(["layers/a", "layers/b"], trees: ["layers/a": "layers/a.tree", "layers/b": "layers/b.tree"]),
    ]
    _ = register.asked(client, from: address(9), started: "tier1", .go, at: 1)
    let steps: [(object: String, whole: Bool, bytes: Int64, stage: SeenMachine.Stage)] = [
      // It looks whether the server knows ranges, then fetches the trees; of one it gets no more than a part at first.
      ("layers/a", false, 4096, .fetching), ("layers/a.tree", true, 8192, .fetching),
      ("layers/b.tree", false, 100, .fetching), ("layers/b", false, 4096, .fetching),
      ("layers/b.tree", true, 8192, .fetching), ("layers/a", false, 4096, .fetching),
      ("layers/b", false, 0, .fetching), ("layers/b", false, 4096, .ready), ("layers/a", false, 4096, .ready),
    ]
    for (number, step) in steps.enumerated() {
      register.began(step.object, isLayer: true, at: address(9), now: 2)
      register.took(step.bytes, of: step.object, whole: step.whole, layers: layers, at: address(9), now: 2)
      #expect(register.machine(at: address(9))?.stage == step.stage, "step \(number)")
    }
    register.offered("boot/tier1.iso", image: "tier1", to: client, at: 200)
    register.tie(client.hardware, uuid, to: address(9))
    register.took(4096, of: "layers/a", whole: false, layers: layers, at: address(9), now: 201)
    register.took(4096, of: "layers/b", whole: false, layers: layers, at: address(9), now: 201)
    #expect(register.machine(at: address(9))?.stage != .ready, "another start needs its trees again")
  }

  @Test("a number stays while a machine waits, and is nobody else's") func numbers() {
    var register = MachineRegister()
    var seen: Set<Int> = []
    for number in 0..<1000 {
      guard case .wait(let first)? = wait(&register, number) else {
        Issue.record("no number")
        return
      }
      let second = wait(&register, number, at: 3)
      #expect(second == .wait(number: first))
      #expect(MachineRegister.numbers.contains(first) && seen.insert(first).inserted)
    }
    var again = MachineRegister()
    let (old, new) = (wait(&register, 0, at: 4), wait(&again, 0))
    #expect(old == new, "after a new start too, unless it is taken")
    #expect(register.waitingCount == 1000)
    let left = wait(&register, 7, at: 5 + MachineRegister.patience)
    #expect(left != nil && register.waitingCount == 1, "who no longer asks no longer waits")
  }

  @Test("one address cannot take all numbers, and there is an end to them") func crowds() {
    var register = MachineRegister()
    let allowed = (0..<100).count { wait(&register, $0, from: 1) != nil }
    #expect(allowed == MachineRegister.mostWaitingByAddress)
    for number in 0..<MachineRegister.numbers.count { _ = wait(&register, number + 1000) }
    #expect(register.waitingCount == MachineRegister.numbers.count)
    let late = wait(&register, 99_999)
    #expect(late == nil)
    let early = wait(&register, 5, from: 1)
    #expect(early != nil, "whoever has a number keeps it")
  }

  @Test("a hundred thousand machines that do not exist leave no more than the limit") func flood() {
    var register = MachineRegister()
    guard case .wait(let number)? = wait(&register, 1) else {
      Issue.record("no number")
      return
    }
    for number in 0..<100_000 {
      register.offered("boot/tier1.iso", image: "tier1", to: machine(number + 10), at: Int64(number / 1000))
    }
    #expect(register.recent.count <= MachineRegister.mostSeen)
    #expect(register.identities.count == register.recent.count)
    #expect(register.waiting[number] != nil, "whoever waits is forgotten last")
  }

  @Test("approved by its number a machine goes on; a wrong number approves nobody") func approval() throws {
    var register = MachineRegister()
    var view = ServerView()
    view.policy = .approve
    let client = machine(1, uuid)
    let first = register.asked(
      client, from: address(1), started: "tier1", view.verdict(on: client, started: "tier1"), at: 0)
    guard case .wait(let number)? = first?.reply else {
      Issue.record("it does not wait")
      return
    }
    let wrong = number == 9999 ? 1000 : number + 1
    #expect(throws: NetworkBootPolicyFailure.noSuchNumber(wrong)) { try register.match("\(wrong)") }
    let match = try register.match("\(number)")
    try register.set(.known, of: match, policy: BootPolicy(), by: "uid 0", at: 1)
    register.apply(to: &view)
    #expect(view.verdict(on: client, started: "tier1") == .go)
    var other = client
    other.machine = MachineUUID("00000000-0000-0000-0000-000000000001")
    #expect(view.verdict(on: other, started: "tier1") == .wait, "the same card in another computer")
    var swapped = client
    swapped.machine = uuid?.swapped
    #expect(view.verdict(on: swapped, started: "tier1") == .go, "the same UUID in the other byte order")
    let gone = register.asked(client, from: address(1), started: "tier1", .go, at: 2)?.reply
    #expect(gone == .go)
    #expect(throws: NetworkBootPolicyFailure.noSuchNumber(number)) { try register.match("\(number)") }
  }

  @Test("the latest word counts, and the policy file's goes before it") func words() throws {
    var register = MachineRegister()
    let client = machine(1, uuid)
    let card = MachineMatch(hardware: client.hardware)
    let both = MachineMatch(hardware: client.hardware, machine: uuid)
    var policy = BootPolicy()
    policy.answer = .known
    func verdict() -> AdmissionVerdict {
      var view = ServerView()
      policy.apply(to: &view)
      view.images = ["tier2": [:]]
      register.apply(to: &view)
      return view.verdict(on: client, started: "tier1")
    }
    try register.set(.denied, of: card, policy: policy, by: "uid 0", at: 0)
    #expect(verdict() == .denied(.deniedMachine))
    try register.set(.known, of: both, policy: policy, by: "uid 0", at: 1)
    #expect(verdict() == .go)
    try register.assign("tier2", to: card, policy: policy, by: "uid 0", at: 2)
    #expect(verdict() == .restart(image: "tier2"))
    policy.machines = [BootPolicy.Machine(name: nil, KnownMachine(card, .denied, image: "tier1"))]
    #expect(verdict() == .denied(.deniedMachine))
    let denied = NetworkBootPolicyFailure.saidByFile(machine: both.words, what: "it is denied")
    #expect(throws: denied) { try register.set(.known, of: both, policy: policy, by: "uid 0", at: 3) }
    let image = NetworkBootPolicyFailure.saidByFile(machine: card.words, what: "its image is \"tier1\"")
    #expect(throws: image) { try register.assign("tier2", to: card, policy: policy, by: "uid 0", at: 3) }
    policy.machines = []
    try register.forget(both)
    #expect(verdict() == .denied(.unknownMachine))
    #expect(throws: NetworkBootPolicyFailure.noSuchMachine(both.words)) { try register.forget(both) }
  }

  @Test("a machine that always comes back with the wrong image is turned away") func restarts() {
    var register = MachineRegister()
    let client = machine(1)
    var replies: [String] = []
    for time in 0..<5 {
      register.offered("boot/tier2.iso", image: "tier2", to: client, at: Int64(time * 100))
      let reply = register.asked(
        client, from: address(1), started: "tier1", .restart(image: "tier2"), at: Int64(time * 100 + 50))?.reply
      replies.append(reply?.line ?? "")
    }
    #expect(replies == ["restart", "restart", "restart", "denied", "denied"])
    let right = register.asked(client, from: address(1), started: "tier2", .go, at: 600)?.reply
    #expect(right == .go)
  }

  @Test("what is kept survives the file, and no more than the limit is kept") func file() throws {
    var register = MachineRegister()
    try register.set(.known, of: MachineMatch(machine: uuid), policy: BootPolicy(), by: "uid 1000", at: 5)
    try register.assign("tier2", to: machine(1).match, policy: BootPolicy(), by: "uid 0", at: 6)
    let bytes = try MachineFile.bytes(register.kept)
    #expect(try MachineFile.machines(bytes, file: "f") == register.kept)
    for number in 2..<MachineRegister.mostKept {
      register.kept.append(KeptMachine(machine(number).match, standing: .known, image: nil, by: "uid 0", time: 0))
    }
    #expect(throws: NetworkBootPolicyFailure.registerFull(limit: MachineRegister.mostKept)) {
      try register.set(.known, of: machine(99_999).match, policy: BootPolicy(), by: "uid 0", at: 7)
    }
    #expect(Int64(try MachineFile.bytes(register.kept).count) < MachineFile.longest)
  }

  @Test(
    "a damaged file is refused",
    arguments: [
      "", "{", "[]", "{\"lifeboat-machines\":1}", "{\"lifeboat-machines\":2,\"machines\":[]}",
      "{\"lifeboat-machines\":1,\"machines\":[{\"by\":\"x\",\"time\":0}]}",
      "{\"lifeboat-machines\":1,\"machines\":[{\"by\":\"x\",\"time\":0,\"mac\":\"52:54\"}]}",
      "{\"lifeboat-machines\":1,\"machines\":[{\"by\":\"x\",\"time\":0,\"uuid\":\"1\",\"mac\":\"52:54:00:00:00:01\"}]}",
    ])
  func damaged(text: String) {
    let error = #expect(throws: NetworkBootPolicyFailure.self) {
      try MachineFile.machines(Array(text.utf8), file: "machines.json")
    }
    #expect(error?.code == "damaged-machine-list" && error?.remedy?.contains("Move the file away") == true)
  }

  @Test(
    "words that are no machine",
    arguments: [
      "", "47", "47110", "+711", "four", "52:54:00:12:34", "ff:ff:ff:ff:ff:ff", "00000000-0000-0000-0000-000000000000",
    ])
  func nobody(words: String) {
    #expect(throws: NetworkBootPolicyFailure.self) { try MachineRegister().match(words) }
  }
}

extension Claimant {
  fileprivate var match: MachineMatch { MachineMatch(hardware: hardware, machine: machine) }
}
