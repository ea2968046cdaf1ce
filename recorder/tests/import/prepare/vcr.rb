# Records with Ruby's VCR. Started by prepare.py, which says what to record, one job a line.
require 'base64'
require 'json'
require 'net/http'
require 'vcr'
require 'webmock'

base, out = ARGV
WebMock.enable!
STDOUT.sync = true

STDIN.each_line do |line|
  job = JSON.parse(line)
  VCR.configure do |config|
    config.hook_into :webmock
    config.cassette_library_dir = out
    config.preserve_exact_body_bytes { job['exact'] }
  end
  kinds = [job['serializer'], job['exact'] && 'exact', job['decode'] && 'decoded']
  name = "vcr/#{kinds.select { |kind| kind }.join('-')}-#{job['scenario']}"
  settings = {
    record: :all,
    serialize_with: job['serializer'] == 'compressed' ? :compressed : job['serializer'].to_sym,
    decode_compressed_response: job['decode'] || false,
  }
  # The extension is the serializer's own.
  VCR.use_cassette(name, settings) do
    job['requests'].each do |request|
      uri = URI(base + request['path'])
      kind = Net::HTTP.const_get(request['method'].capitalize)
      # With headers of its own, Net::HTTP leaves the coding on.
      sent = kind.new(uri, { 'Accept-Encoding' => 'identity' }.merge(request['headers']))
      sent.body = Base64.decode64(request['body']) if request['body']
      answer = Net::HTTP.start(uri.host, uri.port) { |http| http.request(sent) }
      if answer.is_a?(Net::HTTPRedirection)
        Net::HTTP.get_response(URI.join(base, answer['Location']))
      end
    end
  end
  path = Dir["#{out}/vcr/*"].find { |file| File.basename(file, '.*') == File.basename(name) }
  path ||= Dir["#{out}/vcr/*"].max_by { |file| File.mtime(file) }
  kept = "#{out}/#{name}#{File.extname(path)}"
  File.rename(path, kept) unless path == kept
  puts({ path: kept.delete_prefix("#{out}/") }.to_json)
end
