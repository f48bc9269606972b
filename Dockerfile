FROM python:3.11-slim
WORKDIR /app
COPY pyproject.toml README.md LICENSE manage.py ./
COPY chatlog chatlog
COPY dashboard dashboard
COPY templates templates
COPY static static
RUN pip install --no-cache-dir --editable '.[dashboard,azure,redis]' && useradd --create-home app && mkdir data staticfiles && chown app data staticfiles
USER app
ENV CHATLOG_DATA_DIR=/app/data HOST=0.0.0.0
VOLUME /app/data
EXPOSE 8000
CMD ["sh", "-c", "python manage.py migrate --verbosity 0 && exec python manage.py serve"]
