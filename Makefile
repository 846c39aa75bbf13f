# The developer's words; the work itself is in ./lorax.
.PHONY: fmt lint test

fmt lint test:
	./lorax $@
