// SPDX-License-Identifier: GPL-3.0-or-later

/// A C face for toml++: one call parses a text, the result is a flat array of nodes with their source positions.
///
/// toml++ is header-only C++17. Behind this face Swift needs no C++ interoperability, and no C++ exception can cross
/// it. Every pointer in a node belongs to its document and lives until `ctoml_free`.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a node is.
enum ctoml_kind {
  CTOML_TABLE,
  CTOML_ARRAY,
  CTOML_STRING,
  CTOML_INTEGER,
  CTOML_FLOAT,
  CTOML_BOOLEAN,
  CTOML_DATE,
  CTOML_TIME,
  CTOML_DATE_TIME,
};

/// One value of the document. Lines and columns count from 1, columns in Unicode scalars; 0 means unknown.
typedef struct ctoml_node {
  int32_t kind;
  /// Index of the table or array that holds it; -1 for the root, which is node 0. Parents precede their children.
  int32_t parent;
  /// Its key in a table (not NUL terminated); null in an array and for the root.
  const char *key;
  size_t key_length;
  uint32_t key_line;
  uint32_t key_column;
  uint32_t line;
  uint32_t column;
  /// The value of a string, or a date or time as TOML writes it (not NUL terminated); null for other kinds.
  const char *text;
  size_t text_length;
  /// The value of an integer; 0 or 1 for a boolean.
  int64_t integer;
  double number;
} ctoml_node;

/// Why a text is not TOML.
typedef struct ctoml_error {
  const char *text;
  size_t text_length;
  uint32_t line;
  uint32_t column;
} ctoml_error;

typedef struct ctoml_document ctoml_document;

/// Parses TOML 1.0. Returns null only when out of memory.
ctoml_document *ctoml_parse(const char *text, size_t length);

/// The syntax error, or null where the text is TOML.
const ctoml_error *ctoml_syntax_error(const ctoml_document *document);

/// The nodes; `count` receives how many, 0 after a syntax error.
const ctoml_node *ctoml_nodes(const ctoml_document *document, size_t *count);

void ctoml_free(ctoml_document *document);

#ifdef __cplusplus
}
#endif
