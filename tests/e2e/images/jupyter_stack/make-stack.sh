#!/bin/sh
# Creates the user, and a separate Python in /opt/conda as `python` and `python3`.
set -eu
useradd --no-log-init --create-home --shell /bin/bash --uid 1000 --no-user-group jovyan
# shellcheck disable=SC2016  # bash expands it in each terminal
echo 'eval "$(conda shell.bash hook)"' >>/home/jovyan/.bashrc
mkdir -p /opt/conda/bin /opt/conda/share/jupyter/kernels/python3 /home/jovyan/work
library=$(python3 -c 'import os; print(os.path.dirname(os.__file__))')
version=$(basename "$library")
mkdir -p /opt/conda/lib
cp "$(readlink -f "$(PATH=/usr/local/bin:/usr/bin command -v python3)")" "/opt/conda/bin/$version"
cp -a "$library" "/opt/conda/lib/$version"
ln -s "$version" /opt/conda/bin/python3
ln -s "$version" /opt/conda/bin/python
cat >/opt/conda/share/jupyter/kernels/python3/kernel.json <<'KERNEL'
{"argv": ["/opt/conda/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "stack"}
KERNEL
chown -R 1000:100 /opt/conda /home/jovyan
chmod -R g+rwX /opt/conda /home/jovyan
find /opt/conda /home/jovyan -type d -exec chmod +6000 {} +
test "$(/opt/conda/bin/python3 -c 'import sys; print(sys.prefix)')" = /opt/conda
