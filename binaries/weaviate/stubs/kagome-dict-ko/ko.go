// Copyright (c) 2026 GreenLang. All rights reserved.

// Package ko stands in for a dictionary of Korean, 70 MB of Go source that would be compiled and linked and that nothing here uses.
// Weaviate opens it where ENABLE_TOKENIZER_KAGOME_KR is set, which then ends it with what is said here.
package ko

import "github.com/ikawaha/kagome-dict/dict"

// Dict is all that Weaviate calls.
func Dict() *dict.Dict {
	panic("the Korean tokenizer is not built into this Weaviate: unset ENABLE_TOKENIZER_KAGOME_KR")
}
