module github.com/ikawaha/kagome-dict-ko

go 1.26.8

require github.com/ikawaha/kagome-dict v1.1.6
