// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctoml.h"

#define TOML_EXCEPTIONS 0
// toml++ parses, and destroys what it parsed, recursively: the two bounds below keep a hostile text off the stack's end.
#define TOML_MAX_NESTED_VALUES 32
#include <deque>
#include <sstream>
#include <string>
#include <toml++/toml.h>
#include <vector>

struct ctoml_document {
  std::vector<ctoml_node> nodes;
  // A deque never moves its elements, so nodes may point into them.
  std::deque<std::string> strings;
  ctoml_error error{};
  bool failed = false;
};

namespace {

// A dotted key nests one table per dot, which toml++ 3.3 does not bound.
constexpr size_t max_dots_per_line = 256;

// The line (from 1) that has too many dots, or 0.
uint32_t overdotted_line(std::string_view text) {
  uint32_t line = 1;
  size_t dots = 0;
  for (const char c : text) {
    if (c == '.' && ++dots > max_dots_per_line) return line;
    if (c == '\n') {
      ++line;
      dots = 0;
    }
  }
  return 0;
}

const std::string &keep(ctoml_document &document, std::string text) {
  return document.strings.emplace_back(std::move(text));
}

int32_t kind_of(const toml::node &node) {
  switch (node.type()) {
  case toml::node_type::table:
    return CTOML_TABLE;
  case toml::node_type::array:
    return CTOML_ARRAY;
  case toml::node_type::integer:
    return CTOML_INTEGER;
  case toml::node_type::floating_point:
    return CTOML_FLOAT;
  case toml::node_type::boolean:
    return CTOML_BOOLEAN;
  case toml::node_type::date:
    return CTOML_DATE;
  case toml::node_type::time:
    return CTOML_TIME;
  case toml::node_type::date_time:
    return CTOML_DATE_TIME;
  default:
    return CTOML_STRING;
  }
}

template <typename T> std::string written(const toml::node &node) {
  std::ostringstream out;
  out << node.as<T>()->get();
  return out.str();
}

void set_text(ctoml_document &document, ctoml_node &entry, std::string text) {
  const auto &kept = keep(document, std::move(text));
  entry.text = kept.data();
  entry.text_length = kept.size();
}

void set_value(ctoml_document &document, ctoml_node &entry, const toml::node &node) {
  switch (entry.kind) {
  case CTOML_STRING:
    set_text(document, entry, node.as_string()->get());
    break;
  case CTOML_INTEGER:
    entry.integer = node.as_integer()->get();
    break;
  case CTOML_FLOAT:
    entry.number = node.as_floating_point()->get();
    break;
  case CTOML_BOOLEAN:
    entry.integer = node.as_boolean()->get() ? 1 : 0;
    break;
  case CTOML_DATE:
    set_text(document, entry, written<toml::date>(node));
    break;
  case CTOML_TIME:
    set_text(document, entry, written<toml::time>(node));
    break;
  case CTOML_DATE_TIME:
    set_text(document, entry, written<toml::date_time>(node));
    break;
  default:
    break;
  }
}

void fail(ctoml_document &document, std::string why, uint32_t line, uint32_t column) {
  const auto &kept = keep(document, std::move(why));
  document.error = {kept.data(), kept.size(), line, column};
  document.failed = true;
}

// Recursion is bounded by the two limits above.
void append(ctoml_document &document, const toml::node &node, int32_t parent, const toml::key *key) {
  ctoml_node entry{};
  entry.kind = kind_of(node);
  entry.parent = parent;
  entry.line = node.source().begin.line;
  entry.column = node.source().begin.column;
  if (key != nullptr) {
    const auto &kept = keep(document, std::string{key->str()});
    entry.key = kept.data();
    entry.key_length = kept.size();
    entry.key_line = key->source().begin.line;
    entry.key_column = key->source().begin.column;
  }
  set_value(document, entry, node);
  const auto index = static_cast<int32_t>(document.nodes.size());
  document.nodes.push_back(entry);
  if (const auto *table = node.as_table()) {
    for (auto &&[child_key, child] : *table) append(document, child, index, &child_key);
  } else if (const auto *array = node.as_array()) {
    for (auto &&child : *array) append(document, child, index, nullptr);
  }
}

} // namespace

ctoml_document *ctoml_parse(const char *text, size_t length) {
  ctoml_document *document = nullptr;
  try {
    document = new ctoml_document;
    if (const auto line = overdotted_line({text, length})) {
      fail(*document, "more than 256 dots in one line", line, 1);
      return document;
    }
    const auto result = toml::parse(std::string_view{text, length});
    if (result) {
      append(*document, result.table(), -1, nullptr);
    } else {
      const auto position = result.error().source().begin;
      fail(*document, std::string{result.error().description()}, position.line, position.column);
    }
    return document;
  } catch (...) {
    delete document;
    return nullptr;
  }
}

const ctoml_error *ctoml_syntax_error(const ctoml_document *document) {
  return document->failed ? &document->error : nullptr;
}

const ctoml_node *ctoml_nodes(const ctoml_document *document, size_t *count) {
  *count = document->nodes.size();
  return document->nodes.data();
}

void ctoml_free(ctoml_document *document) { delete document; }
