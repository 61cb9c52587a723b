// Copyright (c) 2026 GreenLang. All rights reserved.

package main

import (
	"crypto/tls"
	"log"
	"sync"
	"time"
)

// fresh is how long a certificate is used before its files are looked at again.
const fresh = 30 * time.Second

// pair is a certificate with its key, as its two files have it; they are looked at again after a while.
type pair struct {
	certificate, key string
	lock             sync.Mutex
	loaded           *tls.Certificate
	when             time.Time
}

// get is what tls.Config asks for each connection. A pair that cannot be read, as while it is being replaced, leaves the former one.
func (files *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	files.lock.Lock()
	defer files.lock.Unlock()
	if files.loaded != nil && time.Since(files.when) < fresh {
		return files.loaded, nil
	}
	found, err := tls.LoadX509KeyPair(files.certificate, files.key)
	switch {
	case err == nil:
		files.loaded = &found
	case files.loaded == nil:
		return nil, err
	default:
		log.Println("the certificate stays as it was:", err)
	}
	files.when = time.Now()
	return files.loaded, nil
}
