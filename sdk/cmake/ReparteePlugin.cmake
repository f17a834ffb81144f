# repartee_add_plugin(NAME SOURCES file… [LIBRARIES target…] [TARGET target])
#
# Builds NAME.so (no "lib" in front) against librepartee. In the source tree it lands in build/plugins/; elsewhere in
# the current build folder, from where `REPARTEE_PLUGIN_PATH` or `plugins { path = … }` finds it. Installing puts it
# among repartee's own plugins. TARGET names the build target where NAME is taken.
function(repartee_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TARGET" "SOURCES;LIBRARIES")
  set(target ${name})
  if(arg_TARGET)
    set(target ${arg_TARGET})
  endif()
  add_library(${target} MODULE ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE repartee::repartee ${arg_LIBRARIES})
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${name} SUFFIX ".so" C_VISIBILITY_PRESET hidden)
  if(REPARTEE_PLUGIN_OUTPUT)
    set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${REPARTEE_PLUGIN_OUTPUT})
    install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/repartee/plugins)
  elseif(REPARTEE_PLUGIN_FOLDER)
    install(TARGETS ${target} LIBRARY DESTINATION ${REPARTEE_PLUGIN_FOLDER})
  endif()
endfunction()
