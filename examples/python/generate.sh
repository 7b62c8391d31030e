#!/bin/sh
# Makes the client from the contract, into `generated`.
set -eu
cd "$(dirname "$0")"
mkdir -p generated
python3 -m grpc_tools.protoc -I ../../proto --python_out=generated --pyi_out=generated --grpc_python_out=generated \
    $(cd ../../proto && find itsm -name '*.proto')
